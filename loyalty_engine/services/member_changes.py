"""Changes what is known of a member: who asked, and for what must not be done lightly why, is in the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, checking, message_stopping, messages, newcomers, races, tokens, webhooks
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.members import GONE, Member, birthday_of, checked_id, load, no_member
from loyalty_engine.services.phones import takes_sms
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import members as store
from loyalty_engine.store import survivors
from loyalty_engine.store.members import Consent, Profile
from loyalty_engine.store.session import in_transaction
from rules.birthdays import CHANGE_LOCK
from rules.errors import Conflict, Forbidden
from rules.facts import Birthday
from rules.periods import business_day, plus
from rules.programme import Programme

_OF_MEMBER: Final = ("language", "time_zone")


class Keep(Enum):
    """The value of a field that is to stay as it is; None empties one."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different; consents and the status have ways of their own."""

    name: str | Keep | None = KEEP
    email: str | Keep | None = KEEP
    phone: str | Keep | None = KEEP
    language: str | Keep = KEEP
    time_zone: str | Keep | None = KEEP
    segments: frozenset[str] | Keep = KEEP
    attributes: Mapping[str, str] | Keep = KEEP
    birthday: Birthday | Keep = KEEP

    def given(self) -> dict[str, Any]:
        """Return the fields that are to change."""
        values = {name: getattr(self, name) for name in Changes.__slots__}
        return {name: value for name, value in values.items() if value is not KEEP}


def change(actor: Actor, member_id: str, changes: Changes, reason: str | None = None) -> Member:
    """Change a member's details, all of them or none.

    Raises `Invalid` with all that is wrong, `Conflict` with `phone_taken`, and for another birthday than the one that is
    set `Forbidden`; staff change it, and have to say why.
    """
    return races.run(lambda connection: change_in(connection, actor, member_id, changes, reason))


def change_in(
    connection: sa.Connection, actor: Actor, member_id: str, changes: Changes, reason: str | None = None
) -> Member:
    """The same, in the caller's transaction; a race for a phone is a `Duplicate`: run it again."""
    member_id = _lock(connection, member_id)
    programme = plan_for(connection, clock.now()).programme
    today = business_day(clock.now(), programme.time_zone)
    columns = _checked(changes.given(), programme, today)
    profile = store.profile(connection, member_id)
    assert profile is not None, "who isn't gone has a profile"
    birthday = columns.pop("birthday", None)
    is_new_birthday = birthday is not None and birthday != birthday_of(profile)
    if is_new_birthday:
        _set_birthday(connection, actor, member_id, profile, birthday, reason, today)
    if "phone" in columns:
        _change_phone(connection, actor, member_id, profile, columns["phone"])
        if profile.phone not in (None, columns["phone"]):
            _tell_old_phone(connection, programme, member_id, profile.phone)
    of_member: dict[str, Any] = {name: columns.pop(name) for name in _OF_MEMBER if name in columns}
    if of_member:
        store.change_member(connection, member_id, of_member)
    if columns:
        store.change_profile(connection, member_id, columns)
    fields = sorted({*columns, *of_member} | ({"birthday"} if is_new_birthday else set()))
    if fields:
        webhooks.emit(connection, member_id, "member", {"change": "changed", "fields": fields})
    if columns or of_member:
        told = {"fields": sorted({*columns, *of_member})} | ({"reason": _reason(reason)} if reason else {})
        audit_log.record(connection, actor, "member.change", member_id, told)
    return load(connection, member_id)


def _checked(given: dict[str, Any], programme: Programme, today: date) -> dict[str, Any]:
    wrong = Wrong()
    columns = given | newcomers.personal(wrong, given.get("name"), given.get("email"))
    if given.get("phone") is not None:
        columns["phone"] = newcomers.phone_of(wrong, given["phone"], programme)
    if "language" in given:
        checking.language(wrong, "language", given["language"])
    if given.get("time_zone") is not None:
        checking.time_zone(wrong, "time_zone", given["time_zone"])
    if "segments" in given:
        columns["segments"] = newcomers.segments(wrong, given["segments"])
    if "attributes" in given:
        columns["attributes"] = newcomers.attributes(wrong, given["attributes"])
    if "birthday" in given:
        checking.birthday(wrong, "birthday", given["birthday"], today)
    wrong.refuse_any("member_invalid", "The change")
    return columns


def _change_phone(connection: sa.Connection, actor: Actor, member_id: str, profile: Profile, phone: str | None) -> None:
    """Let one phone lead to the member, and no other: sessions end, points and rewards wait a day (`phone_changes`)."""
    if profile.phone == phone:
        return
    holder = store.known_phones(connection, [phone]).get(phone) if phone is not None else None
    if holder not in (None, member_id):
        detail = "This telephone number belongs to another member: take it off there first."
        raise Conflict("phone_taken", detail, {"phone": ["belongs to another member"]})
    store.change_phone(connection, member_id, phone)
    tokens.revoke_members(connection, member_id, but=actor.token_id)
    store.change_profile(connection, member_id, {"phone_changed_at": clock.now()})


def _tell_old_phone(connection: sa.Connection, programme: Programme, member_id: str, phone: str) -> None:
    """Tell the number that was the member's, whoever changed it: a thief can't keep that from the member."""
    row = store.row(connection, member_id)
    assert row is not None, "it is locked"
    if takes_sms(phone):
        now = clock.now()
        messages.plan_phone_changed(
            connection, programme, phone=phone, member_id=member_id, language=row.language, now=now
        )


def _set_birthday(
    connection: sa.Connection,
    actor: Actor,
    member_id: str,
    profile: Profile,
    birthday: Birthday,
    reason: str | None,
    today: date,
) -> None:
    """Set a birthday, once; to change it takes staff and a reason, and locks conditions on it for 11 months."""
    told, locked_until = {}, profile.birthday_locked_until
    if birthday_of(profile) is not None:
        if actor.role not in ("staff", "admin"):
            raise Forbidden("birthday_set", "A birthday is set once; ask the staff to change it.")
        told, locked_until = {"reason": _reason(reason)}, plus(today, CHANGE_LOCK)
    store.change_profile(connection, member_id, newcomers.birthday_columns(birthday, today, locked_until))
    audit_log.record(connection, actor, "member.set_birthday", member_id, told)


def put_consent(actor: Actor, member_id: str, given: GivenConsent) -> Member:
    """Store what a member says about being written to; what was said later than that stays."""
    wrong = Wrong()
    said = newcomers.consent(wrong, "", given)
    wrong.refuse_any("consent_invalid", "The consent")
    return in_transaction(lambda connection: _put_consent(connection, actor, member_id, said))


def _put_consent(connection: sa.Connection, actor: Actor, member_id: str, said: Consent) -> Member:
    locked = _lock(connection, member_id)
    before = {(one.channel, one.purpose): one for one in store.consents_of(connection, locked)}
    earlier = before.get((said.channel, said.purpose))
    if said != earlier and (earlier is None or earlier.at <= said.at):
        store.put_consent(connection, locked, said)
        if not said.given:
            message_stopping.withdraw(connection, locked, said.channel, said.purpose)
        told = {f"{said.channel} {said.purpose}": said.given}
        audit_log.record(connection, actor, "member.consent", locked, told)
        webhooks.emit(connection, locked, "member", {"change": "changed", "fields": ["consents"]})
    return load(connection, locked)


def put_consents_in(connection: sa.Connection, actor: Actor, member_id: str, words: Sequence[Consent]) -> None:
    """Store several things that a member says at once, in the caller's transaction."""
    for said in words:
        _put_consent(connection, actor, member_id, said)


def suspend_in(connection: sa.Connection, actor: Actor, member_id: str, reason: str) -> Member:
    """Let a member's purchases wait for staff instead of earning; nothing of theirs is lost."""
    return _set_status(connection, actor, member_id, "suspended", "member.suspend", reason)


def resume_in(connection: sa.Connection, actor: Actor, member_id: str, reason: str) -> Member:
    """Let a suspended member earn again."""
    return _set_status(connection, actor, member_id, "active", "member.resume", reason)


def _set_status(
    connection: sa.Connection, actor: Actor, member_id: str, status: str, action: str, reason: str
) -> Member:
    actor.check_everywhere()
    why = _reason(reason)
    locked = _lock(connection, member_id)
    if store.status(connection, locked) != status:
        store.change_member(connection, locked, {"status": status})
        audit_log.record(connection, actor, action, locked, {"reason": why})
        webhooks.emit(connection, locked, "member", {"change": "suspended" if status == "suspended" else "resumed"})
    return load(connection, locked)


def _lock(connection: sa.Connection, member_id: str) -> str:
    known = survivors.of(connection, checked_id(member_id))
    if store.lock(connection, known) in (None, *GONE):
        raise no_member()
    return known


def _reason(text: str | None) -> str:
    wrong = Wrong()
    why = checking.reason(wrong, "reason", text or "")
    wrong.refuse_any("reason_missing", "The change")
    return why
