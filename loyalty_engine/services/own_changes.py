"""What members change of themselves: another phone needs the code that it was sent, and leaving needs one of their own."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import member_changes, members, phone_codes, races, tokens
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.member_changes import KEEP, Changes
from loyalty_engine.services.members import Member
from loyalty_engine.services.phone_codes import Purpose, Right
from loyalty_engine.store import tokens as token_store
from loyalty_engine.store.session import reading
from rules.errors import Conflict, Forbidden, Invalid

PHONE_CHANGE, ERASURE = "phone_change", "erasure"
FRESH: Final = timedelta(minutes=10)
"""How long after signing in with a code nobody needs another one for leaving."""


def ask_code(member_id: str, purpose: str, phone: str | None, address: str) -> None:
    """Have a code sent: to a new phone, whoever's it is, or for leaving to the member's own."""
    if purpose not in (PHONE_CHANGE, ERASURE):
        said = {"purpose": [f"must be {PHONE_CHANGE} or {ERASURE}"]}
        raise Invalid("invalid_fields", "What is the code for?", said)
    if (purpose == PHONE_CHANGE) != (phone is not None):
        said = {"phone": ["name the new phone" if phone is None else "leave it out: your own phone gets the code"]}
        raise Invalid("invalid_fields", "Where is the code to go?", said)
    member = members.find(member_id)
    to = phone_codes.normalised(phone) if phone is not None else _own_phone(member)
    phone_codes.send(Purpose(purpose, member.member_id), to, member.language, address, member.member_id)


def _own_phone(member: Member) -> str:
    if member.phone is None:
        raise Conflict("no_phone", "You have no telephone number; the shop's staff can help.")
    return member.phone


def change(actor: Actor, changes: Changes, code: str | None) -> Member:
    """Change what a member may change of itself; for another phone with the code that it was sent.

    Raises what `member_changes.change` does, and `Forbidden` for a code. Other devices are signed out by a new phone.
    """
    assert actor.member_id is not None, "a member changes itself"
    right = None
    if changes.phone is not KEEP and isinstance(changes.phone, str):
        phone = phone_codes.normalised(changes.phone)
        changes = replace(changes, phone=phone)
        if phone != members.find(actor.member_id).phone:
            right = _tried(actor.member_id, phone, code)
    return races.run(lambda connection: _change(connection, actor, changes, right))


def _tried(member_id: str, phone: str, code: str | None) -> Right:
    if code is None:
        said = {"code": ["POST /v1/me/codes sends one to the new phone"]}
        raise Invalid("invalid_fields", "A new phone needs the code that it was sent.", said)
    return phone_codes.attempt(Purpose(PHONE_CHANGE, member_id), phone, code)


def _change(connection: sa.Connection, actor: Actor, changes: Changes, right: Right | None) -> Member:
    assert actor.member_id is not None
    if right is not None:
        phone_codes.use(connection, right)
    return member_changes.change_in(connection, actor, actor.member_id, changes)


def check_fresh(actor: Actor, code: str | None) -> Right | None:
    """Make sure that it is the member who wants to leave: signed in a moment ago, or with a code; return that one."""
    assert actor.member_id is not None
    if code is not None:
        member = members.find(actor.member_id)
        return phone_codes.attempt(Purpose(ERASURE, member.member_id), _own_phone(member), code)
    with reading() as connection:
        found = token_store.find(connection, actor.token_id)
    if found is None or not _signed_in_now(found[1]):
        said = {"code": ["POST /v1/me/codes sends one for erasure"]}
        raise Forbidden("code_needed", "You signed in a while ago: send the code for leaving.", said)
    return None


def _signed_in_now(token: token_store.Token) -> bool:
    by_code = token.created_by == tokens.DOOR
    return by_code and timedelta() <= clock.now() - token.created_at < FRESH
