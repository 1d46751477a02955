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
from loyalty_engine.services.programmes import list_names, lists_of, plan_of
from loyalty_engine.services.version_digests import FIRST, digest
from loyalty_engine.store import programmes as store
from loyalty_engine.store import sku_lists
from loyalty_engine.store.programmes import Version
from loyalty_engine.store.session import Duplicate, in_transaction, reading
from rules.document import write
from rules.errors import Conflict, Invalid, Problem
from rules.examples import broken_promises
from rules.programme import Programme

_LATE: Final = timedelta(minutes=1)
"""A version may be said to be in force from now on although saying so took a moment."""


def check(text: str | bytes) -> tuple[Problem, ...]:
    """Return everything that keeps a document from being published: what is wrong with it, then broken examples."""
    programme = documents.read_programme(text)
    if not isinstance(programme, Programme):
        return programme
    with reading() as connection:
        return _problems(connection, programme)


def _problems(connection: sa.Connection, programme: Programme) -> tuple[Problem, ...]:
    another = _another(connection, programme)
    if another:
        return another
    document = write(programme)
    there = sku_lists.sizes(connection)
    missing = {path: name for path, name in list_names(document).items() if name not in there}
    if missing:
        remedy = "put the list first"
        return tuple(Problem(path, f'there is no SKU list "{name}"', remedy) for path, name in missing.items())
    return broken_promises(programme, lists_of(connection, document))


def _another(connection: sa.Connection, programme: Programme) -> tuple[Problem, ...]:
    """A deployment runs one programme, in one currency: what has been booked can't be counted in another."""
    number = store.latest(connection)
    if number == 0:
        return ()
    present = plan_of(connection, number).programme
    said = (("programme", programme.id, present.id), ("money", programme.money, present.money))
    return tuple(
        Problem(path, f'is "{given}", and this deployment runs "{there}"', "start another deployment for it")
        for path, given, there in said
        if given != there
    )


def publish(actor: Actor, text: str | bytes, effective_at: datetime | None, reason: str) -> Version:
    """Publish a document as the next version, in force from `effective_at`, or from now on.

    The first version reaches back without limit. Raises `Invalid` with every problem by its path, or `Conflict`
    where the version would not come after the one before it.
    """
    actor.check_everywhere()
    programme = documents.read_programme(text)
    if not isinstance(programme, Programme):
        raise _invalid(programme)
    wrong = Wrong()
    why = checking.reason(wrong, "reason", reason)
    wrong.refuse_any("programme_invalid", "The version")
    try:
        version = in_transaction(lambda connection: _publish(connection, actor, programme, effective_at, why))
    except Duplicate:
        detail = "Another version was published at the same moment: look at it, then publish again."
        raise Conflict("programme_changed", detail) from None
    return version


def _publish(
    connection: sa.Connection, actor: Actor, programme: Programme, effective_at: datetime | None, reason: str
) -> Version:
    problems = _problems(connection, programme)
    if problems:
        raise _invalid(problems)
    before = store.versions(connection)
    now = clock.now()
    number = len(before) + 1
    version = Version(number, _effective_at(before, effective_at, now), now, str(actor), reason)
    document = json.dumps(write(programme), ensure_ascii=False)
    proof = digest(store.last_digest(connection) or FIRST, asdict(version) | {"document": document})
    store.insert(connection, version, document, proof)
    told = {"effective_at": version.effective_at, "reason": reason, "digest": proof}
    audit_log.record(connection, actor, "programme.publish", str(number), told)
    return version


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
