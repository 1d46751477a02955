"""Writes the text of what a member is sent now: consent, pauses, quiet hours and ends are looked at once more.

What falls due together for one member over one channel and for one purpose goes out as one text, as far as three
segments reach. Name, number and address are read here and kept nowhere.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

import sqlalchemy as sa

from loyalty_engine.services.message_limits import zone_of
from loyalty_engine.services.message_pauses import is_paused, paused_now
from loyalty_engine.services.phones import takes_sms
from loyalty_engine.services.programmes import plan_for, plan_of
from loyalty_engine.store import message_people, survivors
from loyalty_engine.store.message_people import Person
from loyalty_engine.store.messages import Message
from rules.message_texts import PlaceMissing, Spoken, fits, said, sms, spoken
from rules.message_times import out_of_quiet
from rules.messages import AT_ONCE, Consents, is_allowed, template_of
from rules.programme import Programme, Template
from rules.salutations import salutation
from rules.segments import segments

Status = Literal["suppressed", "held", "expired", "planned"]
_STATUS: Final[Mapping[str, Status]] = {"paused": "held", "too_late": "expired", "quiet": "planned"}


@dataclass(frozen=True, slots=True)
class Unsendable:
    """Why a message is not sent now, and what becomes of it; one that waits for the quiet hours' end says until when."""

    reason: str
    again_at: datetime | None = None

    @property
    def status(self) -> Status:
        """What the message is from now on."""
        return _STATUS.get(self.reason, "suppressed")


@dataclass(frozen=True, slots=True)
class Composed:
    """One text for one address. `says` are the ids of the messages in it, the first of them leading.

    `apart` are those that can't be sent; what is in neither did not fit, and is composed again by itself.
    """

    to: str
    subject: str | None
    text: str
    segments: int
    says: tuple[str, ...] = ()
    apart: Mapping[str, Unsendable] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Body:
    row: Message
    programme: Programme
    template: Template
    spoken: Spoken


def composed(connection: sa.Connection, rows: Sequence[Message], now: datetime) -> Composed | Unsendable:
    """Return the text of messages that go out together: of one member, channel and purpose, in the order of being due."""
    first = rows[0]
    person, consents = _for_whom(connection, first.member_id)
    to = _address(first, person, consents)
    if isinstance(to, Unsendable):
        return to
    paused = paused_now(connection)
    bodies, apart = [], {}
    # A code and what is told to the number before it stand under one member, and go to two.
    for row in (one for one in rows if one.to_address == first.to_address):
        found = _body(connection, row, person, paused, now)
        if isinstance(found, Unsendable):
            apart[row.message_id] = found
        else:
            bodies.append(found)
    if not bodies:
        return apart[first.message_id]
    return _together(to, bodies, apart, person)


def _for_whom(connection: sa.Connection, member_id: str) -> tuple[Person | None, Consents]:
    """Return whom a message is for now: of one that was on its way during a merge, the member that stayed."""
    people, said_of = message_people.load(connection, [member_id])
    if member_id in people and people[member_id].status == "merged":
        member_id = survivors.of(connection, member_id)
        people, said_of = message_people.load(connection, [member_id])
    return people.get(member_id), said_of.get(member_id, {})


def _address(row: Message, person: Person | None, consents: Consents) -> str | Unsendable:
    if row.purpose == "code":
        return row.to_address or Unsendable("no_address")
    to = (person.phone if row.channel == "sms" else person.email) if person else None
    if to is None or person is None:
        return Unsendable("no_address")
    if row.channel == "sms" and not takes_sms(to):
        return Unsendable("no_sms")
    return to if is_allowed(row.purpose, consents.get((row.channel, row.purpose))) else Unsendable("no_consent")


def _body(
    connection: sa.Connection, row: Message, person: Person | None, paused: frozenset[str], now: datetime
) -> _Body | Unsendable:
    if row.send_by is not None and row.send_by < now:
        return Unsendable("too_late")
    if is_paused(row.template, paused):
        return Unsendable("paused")
    programme, template = _template(connection, row, now)
    if template is None:
        return Unsendable("template_gone")
    quiet = _quiet(programme, row, person, now)
    if quiet is not None:
        return quiet
    try:
        return _Body(row, programme, template, _said(programme, template, row, person))
    except PlaceMissing:
        return Unsendable("place_missing")


def _template(connection: sa.Connection, row: Message, now: datetime) -> tuple[Programme, Template | None]:
    """Return the template as it is now: what was paused for a wrong word goes out with the right one."""
    programme = plan_for(connection, now).programme
    found = template_of(programme, row.template)
    if found is not None and row.purpose in (found.purpose, "code"):
        return programme, found
    programme = plan_of(connection, row.version).programme
    return programme, template_of(programme, row.template)


def _quiet(programme: Programme, row: Message, person: Person | None, now: datetime) -> Unsendable | None:
    if row.cause_kind in AT_ONCE and row.purpose in ("service", "code"):
        return None
    zone = zone_of(programme, person.time_zone if person else None)
    until = out_of_quiet(now, zone, programme.messages.quiet_hours)
    return Unsendable("quiet", until) if until > now else None


def _said(programme: Programme, template: Template, row: Message, person: Person | None) -> Spoken:
    places = dict(row.filled())
    if person is not None and person.level is not None:
        places.setdefault("level", person.level)
    language = person.language if person and row.purpose != "code" else row.language
    attributes = json.loads(person.attributes or "{}") if person else {}
    tongue = spoken(template.texts, language).tongue
    return said(programme, template, language, places, salutation(person.name if person else None, attributes, tongue))


def _together(
    to: str, bodies: Sequence[_Body], apart: dict[str, Unsendable], person: Person | None
) -> Composed | Unsendable:
    """Put as many bodies into one text as fit; one that is too long by itself is sent by nobody."""
    lead = bodies[0]
    if lead.row.channel == "email":
        return _letter(to, bodies, apart)
    taken = [lead]
    text = _text(taken)
    if not fits(text):
        return Unsendable("too_long")
    for body in bodies[1:]:
        longer = _text([*taken, body])
        if fits(longer):
            taken, text = [*taken, body], longer
    return Composed(to, None, text, segments(text), tuple(one.row.message_id for one in taken), apart)


def _text(bodies: Sequence[_Body]) -> str:
    lead = bodies[0]
    return sms(lead.programme, lead.row.purpose, _once_each(bodies))


def _once_each(bodies: Sequence[_Body]) -> list[Spoken]:
    """Return what is to be said: two notices that came late and say the same are said once."""
    return list(dict.fromkeys(body.spoken for body in bodies))


def _letter(to: str, bodies: Sequence[_Body], apart: dict[str, Unsendable]) -> Composed:
    lead = bodies[0]
    language = lead.spoken.language
    subject = spoken(lead.template.subject or lead.programme.name, language).text
    text = "\n\n".join(one.text for one in _once_each(bodies))
    return Composed(to, subject, text, 0, tuple(one.row.message_id for one in bodies), apart)
