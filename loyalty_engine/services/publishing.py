"""A draft becomes a version that never changes: only one that is faultless, keeps its promises, and lies ahead."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, checking, documents
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.documents import Parsed
from loyalty_engine.services.programmes import list_names, plan_of
from loyalty_engine.services.version_digests import FIRST, digest
from loyalty_engine.store import programmes as store
from loyalty_engine.store import sku_lists
from loyalty_engine.store.programmes import Version
from loyalty_engine.store.session import Duplicate, in_transaction, reading
from rules import document
from rules.document import Beside, write
from rules.errors import Conflict, Invalid, Problem
from rules.examples import broken_promises
from rules.programme import Programme

_LATE: Final = timedelta(minutes=1)
"""A version may be said to be in force from now on although saying so took a moment."""


def check(text: str | bytes) -> tuple[Problem, ...]:
    """Return everything that keeps a document from being published: what is wrong with it, and broken examples.

    Examples can be worked out once the document can be read; what they break is told beside what stands against it in
    this deployment alone.
    """
    parsed = documents.parse(text)
    with reading() as connection:
        found = _judged(connection, parsed)
    return found if isinstance(found, tuple) else ()


def check_alone(text: str | bytes) -> tuple[Problem, ...]:
    """Return the same where there is no deployment yet: nothing stands against it but what the document says itself.

    An example that hinges on a SKU list is left until the list is there.
    """
    found = _judged(None, documents.parse(text))
    return found if isinstance(found, tuple) else ()


def _judged(connection: sa.Connection | None, parsed: Parsed) -> Programme | tuple[Problem, ...]:
    """Return the programme that a text holds, or everything that keeps it from being published."""
    if not parsed.is_whole:
        return parsed.problems
    beside = _beside(connection) if connection is not None else None
    found = document.read(parsed.data, beside)
    programme = found if isinstance(found, Programme) else document.read(parsed.data)
    wrong = (*parsed.problems, *(found if isinstance(found, tuple) else ()))
    broken = _broken(connection, programme, beside) if isinstance(programme, Programme) else ()
    return (*wrong, *broken) or programme


def _beside(connection: sa.Connection) -> Beside:
    number, lists = store.latest(connection), sku_lists.sizes(connection)
    if number == 0:
        return Beside(lists)
    present = plan_of(connection, number).programme
    return Beside(lists, present.id, present.money)


def _broken(connection: sa.Connection | None, programme: Programme, beside: Beside | None) -> tuple[Problem, ...]:
    if connection is None or beside is None:
        return broken_promises(programme, {})
    named = list_names(write(programme)).values()
    lists = {name: sku_lists.skus(connection, name) for name in named if name in beside.sku_lists}
    return broken_promises(programme, lists)


def publish(actor: Actor, text: str | bytes, effective_at: datetime | None, reason: str) -> Version:
    """Publish a document as the next version, in force from `effective_at`, or from now on.

    The first version reaches back without limit. Raises `Invalid` with every problem by its path, or `Conflict`
    where the version would not come after the one before it.
    """
    actor.check_everywhere()
    parsed = documents.parse(text)
    with reading() as connection:
        _faultless(connection, parsed)
    wrong = Wrong()
    why = checking.reason(wrong, "reason", reason)
    wrong.refuse_any("programme_invalid", "The version")
    try:
        version = in_transaction(lambda connection: _publish(connection, actor, parsed, effective_at, why))
    except Duplicate:
        detail = "Another version was published at the same moment: look at it, then publish again."
        raise Conflict("programme_changed", detail) from None
    return version


def _publish(
    connection: sa.Connection, actor: Actor, parsed: Parsed, effective_at: datetime | None, reason: str
) -> Version:
    programme = _faultless(connection, parsed)
    before = store.versions(connection)
    now = clock.now()
    number = len(before) + 1
    version = Version(number, _effective_at(before, effective_at, now), now, str(actor), reason)
    written = json.dumps(write(programme), ensure_ascii=False)
    proof = digest(store.last_digest(connection) or FIRST, asdict(version) | {"document": written})
    store.insert(connection, version, written, proof)
    told = {"effective_at": version.effective_at, "reason": reason, "digest": proof}
    audit_log.record(connection, actor, "programme.publish", str(number), told)
    return version


def _faultless(connection: sa.Connection, parsed: Parsed) -> Programme:
    found = _judged(connection, parsed)
    if isinstance(found, tuple):
        raise _invalid(found)
    return found


def _effective_at(before: tuple[Version, ...], wanted: datetime | None, now: datetime) -> datetime | None:
    if not before:
        if wanted is not None:
            detail = "The first version reaches back without limit, so that history can be imported: leave it out."
            raise Invalid("effective_at_invalid", detail, {"effective_at": ["must be left out for the first version"]})
        return None
    at = wanted or now
    if at < now - _LATE:
        detail = "A version can't judge what has been posted: it begins now or later."
        raise Invalid("effective_at_invalid", detail, {"effective_at": ["must not be in the past"]})
    latest = before[-1].effective_at
    if latest is not None and at <= latest:
        detail = f"Version {before[-1].version} begins at {latest.isoformat()}; the next one begins after it."
        raise Conflict("effective_at_taken", detail, {"effective_at": [f"must be after {latest.isoformat()}"]})
    return at


def _invalid(problems: tuple[Problem, ...]) -> Invalid:
    errors: dict[str, list[str]] = {}
    for problem in problems:
        errors.setdefault(problem.path, []).append(str(Problem("", problem.message, problem.remedy)))
    count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    return Invalid("programme_invalid", f"The programme has {count}; nothing was published.", errors)
