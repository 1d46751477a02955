"""Plans what members are told, in the transaction of its cause: each cause once, thousands in a few statements.

Nothing personal is kept with a message: who is addressed, and where, is read when it is sent.
Source: PROGRAMME.md, messages; RELIABILITY.md, SMS.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from loyalty_engine.services.deployment_secrets import phone_digest
from loyalty_engine.services.message_limits import Limits, zone_of
from loyalty_engine.services.message_pauses import is_paused, paused
from loyalty_engine.services.message_templates import Known, known
from loyalty_engine.services.programmes import version_at
from loyalty_engine.store import message_people, messages
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.message_people import Person
from loyalty_engine.store.nights.batches import lock
from rules.message_texts import longest_segments
from rules.message_times import next_send, out_of_quiet
from rules.messages import ADDRESSED, AT_ONCE, channel_for, purpose_of, template_of
from rules.plan import Plan
from rules.programme import Programme

_ADDRESSES: Final = {"sms": "phone", "email": "email"}
_NEWS_FOR: Final = timedelta(hours=24)
"""How long it is worth telling that a phone was changed: as long as points wait for it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message that a cause asks for: a template's id, and the values of its places (no name, no number).

    `send_by` is when it is no longer worth sending. `at_once` is for what a member waits for. `on` is the member's own
    day that it is about, before which it is not told.
    """

    member_id: str
    template: str
    cause_kind: str
    cause_id: str
    places: Mapping[str, str | int] = field(default_factory=dict)
    send_by: datetime | None = None
    at_once: bool = False
    on: date | None = None


@dataclass(slots=True)
class _Batch:
    """What is known of everybody in a batch."""

    connection: sa.Connection
    plan: Plan
    now: datetime
    people: Mapping[str, Person]
    said: Mapping[str, Mapping[tuple[str, str], bool]]
    limits: Limits
    paused: frozenset[str]
    times: dict[tuple[str | None, date | None], datetime] = field(default_factory=dict)
    """When a message that nobody waits for goes out, by zone and day: thousands have the same."""

    def next_send(self, zone: str | None, on: date | None) -> datetime:
        """Return when a message goes out that nobody waits for."""
        found = self.times.get((zone, on))
        if found is None:
            programme = self.plan.programme
            found = self.times[zone, on] = next_send(programme.messages, zone_of(programme, zone), self.now, on)
        return found


def plan_messages(connection: sa.Connection, plan: Plan, wanted: Sequence[Wanted], now: datetime) -> int:
    """Write a row for each message that is wanted and not there yet, planned or with why it isn't; return how many.

    The rows commit with their cause. Where the programme limits a purpose, the members are locked.
    """
    return len(plan_rows(connection, plan, wanted, now))


def plan_rows(
    connection: sa.Connection, plan: Plan, wanted: Sequence[Wanted], now: datetime
) -> Sequence[Mapping[str, Any]]:
    """Do the same, and return the rows that are new, as they were written."""
    limited = {_purpose(plan, one) for one in wanted if _is_limited(one)} & plan.programme.messages.limit.keys()
    if limited:
        lock(connection, sorted({one.member_id for one in wanted}))
    # One alone is written or left as it is by the database: a till waits for it.
    fresh = list(wanted) if len(wanted) == 1 and not limited else _fresh(connection, wanted)
    if not fresh:
        return []
    ids = sorted({one.member_id for one in fresh})
    people, said = message_people.load(connection, ids)
    batch = _Batch(
        connection,
        plan,
        now,
        people,
        said,
        Limits.load(connection, plan, people, limited, now),
        paused(connection),
    )
    rows = [_row(batch, one) for one in fresh]
    written = messages.insert(connection, rows)
    batch.limits.write(connection)
    return rows if written else []


def _fresh(connection: sa.Connection, wanted: Sequence[Wanted]) -> list[Wanted]:
    """Return what is not there yet, each cause once; a cause that has just been made needs no look."""
    by_cause = {(one.member_id, one.cause_kind, one.cause_id): one for one in reversed(wanted)}
    if not by_cause:
        return []
    members, _, cause_ids = zip(*by_cause, strict=True)
    there = messages.causes(connection, sorted(set(members)), sorted(set(cause_ids)))
    return [one for cause, one in reversed(by_cause.items()) if cause not in there]


def _is_limited(one: Wanted) -> bool:
    """Of redemptions a member is told however many there are: the last one may be a thief's."""
    return one.cause_kind not in AT_ONCE


def _purpose(plan: Plan, one: Wanted) -> str:
    return known(plan, one.template, one.cause_kind).purpose


def _row(batch: _Batch, one: Wanted) -> dict[str, Any]:
    """Decide one message: over which channel, when, or why not."""
    person = batch.people.get(one.member_id)
    template = known(batch.plan, one.template, one.cause_kind)
    language = person.language if person else "en"
    channel, refused = channel_for(
        template.template, template.purpose, batch.said.get(one.member_id, {}), _addresses(person)
    )
    refused = template.missing(one.places) or refused
    send_at, late = _send_at(batch, one, template, person, channel, is_allowed=refused is None)
    reason = refused or late
    held = reason is None and is_paused(one.template, batch.paused)
    return {
        "member_id": one.member_id,
        "message_id": new_id(),
        "template": one.template,
        "purpose": template.purpose,
        "channel": channel,
        "language": language,
        "status": "suppressed" if reason else "held" if held else "planned",
        "reason": "paused" if held else reason,
        "cause_kind": one.cause_kind,
        "cause_id": one.cause_id,
        "places": json.dumps(dict(one.places), ensure_ascii=False),
        "to_address": None,
        "send_at": send_at,
        "send_by": one.send_by,
        "planned_at": batch.now,
        "changed_at": batch.now,
        "segments": template.segments(language) if channel == "sms" else None,
        "version": batch.plan.version,
    }


def _addresses(person: Person | None) -> frozenset[str]:
    if person is None:
        return frozenset()
    return frozenset(channel for channel, name in _ADDRESSES.items() if getattr(person, name))


def _send_at(
    batch: _Batch, one: Wanted, template: Known, person: Person | None, channel: str, is_allowed: bool
) -> tuple[datetime, str | None]:
    """Return when a message goes out, and why it doesn't where there is no such time."""
    programme, zone = batch.plan.programme, person.time_zone if person else None
    if not one.at_once:
        at = batch.next_send(zone, one.on)
    elif template.purpose in ("greeting", "marketing"):
        at = out_of_quiet(batch.now, zone_of(programme, zone), programme.messages.quiet_hours)
    else:
        at = batch.now
    if not is_allowed or person is None:
        return at, None
    if one.send_by is not None and at > one.send_by:
        return at, "too_late"
    if not _is_limited(one):
        return at, None
    found = batch.limits.take(person, channel, template, at, one.send_by)
    return (at, "limit") if found is None else (found, None)


def plan_code(
    connection: sa.Connection,
    programme: Programme,
    *,
    phone: str,
    member_id: str | None,
    language: str,
    code: str,
    minutes: int,
    cause_id: str,
    now: datetime,
) -> None:
    """Write a one-time code to a phone, to be sent at once; it needs nobody's consent, for it was asked for.

    The number and the code stay in the row until it is sent, or no longer good. A phone that nobody has stands under
    an id made from its digest.
    """
    row = {
        "member_id": member_id or nobody(connection, phone),
        "cause_id": cause_id,
        "places": json.dumps({"code": code, "minutes": minutes}),
        "to_address": phone,
        "send_by": now + timedelta(minutes=minutes),
    }
    messages.insert(connection, [row | _addressed(connection, programme, "code", language, now)])


def plan_phone_changed(
    connection: sa.Connection, programme: Programme, *, phone: str, member_id: str, language: str, now: datetime
) -> None:
    """Write to the number that a member's account no longer uses, at once: whoever lost the account learns it there.

    Like a code it needs nobody's consent, and the number is forgotten once it was written to.
    """
    row = {
        "member_id": member_id,
        "cause_id": new_id(),
        "places": "{}",
        "to_address": phone,
        "send_by": now + _NEWS_FOR,
    }
    messages.insert(connection, [row | _addressed(connection, programme, "phone_change", language, now)])


def _addressed(
    connection: sa.Connection, programme: Programme, cause_kind: str, language: str, now: datetime
) -> dict[str, Any]:
    """Return what the rows of messages to a number of their own have in common."""
    template = template_of(programme, ADDRESSED[cause_kind])
    assert template is not None, "it is built in"
    held = is_paused(template.id, paused(connection))
    return {
        "message_id": new_id(),
        "template": template.id,
        "purpose": purpose_of(template, cause_kind),
        "channel": "sms",
        "language": language,
        "status": "held" if held else "planned",
        "reason": "paused" if held else None,
        "cause_kind": cause_kind,
        "send_at": now,
        "planned_at": now,
        "changed_at": now,
        "segments": longest_segments(programme, template, language),
        "version": version_at(connection, now),
    }


def nobody(connection: sa.Connection, phone: str) -> str:
    """Return the id under which messages to a phone stand that no member has; nothing of the number is in it."""
    return str(UUID(hex=phone_digest(connection, phone)[:32], version=5))
