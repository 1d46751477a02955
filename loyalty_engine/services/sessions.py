"""How members sign in by themselves: a one-time code by SMS, then a token of their own that they can see and end.

Whoever doesn't have the phone learns nothing: what is answered, and how long that takes, is the same for every phone.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import checking, enrolment, phone_codes, races, tokens
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.newcomers import NewMember
from loyalty_engine.services.phone_codes import SIGN_IN
from loyalty_engine.services.purchase_documents import decode_json
from loyalty_engine.services.settings import settings
from loyalty_engine.services.tokens import Issued
from loyalty_engine.store import members
from loyalty_engine.store import tokens as store
from loyalty_engine.store.session import in_transaction, reading
from loyalty_engine.store.tokens import Token
from rules.errors import Conflict, NotFound

DOOR: Final = Actor("door", "member")
"""Who enrols at the members' own door."""
UNNAMED: Final = "a browser"


@dataclass(frozen=True, slots=True)
class Session:
    """One device that is signed in."""

    session_id: str
    device: str
    since: datetime
    ends_at: datetime | None
    current: bool


def ask_code(phone: str, language: str | None, address: str) -> None:
    """Have a code sent to a phone, a member's or not. Raises `Invalid`, and `TooMany` over a cap."""
    phone_codes.send(SIGN_IN, phone_codes.normalised(phone), language, address)


def open_session(phone: str, code: str, device: str | None = None, address: str | None = None) -> Issued:
    """Sign in with a code. Raises `Conflict` (`not_a_member`) where it is right and nobody has the phone.

    `address` is where it comes from: tries at codes are counted by it.
    """
    named = _device(device)
    right = phone_codes.attempt(SIGN_IN, phone_codes.normalised(phone), code, address)

    def work(connection: sa.Connection) -> Issued | None:
        member_id = _locked(connection, right.phone)
        if member_id is None:
            phone_codes.prove(connection, right)
            return None
        phone_codes.use(connection, right)
        return _opened(connection, member_id, named)

    issued = in_transaction(work)
    if issued is None:
        detail = "The code is right, and nobody is a member with this phone: enrol with it within 30 minutes."
        raise Conflict("not_a_member", detail)
    return issued


def enrol(phone: str, code: str, new: NewMember, device: str | None = None, address: str | None = None) -> Issued:
    """Enrol whoever has the phone, and sign in. Raises `Invalid`, and `Conflict` (`phone_taken`) for a member's phone.

    A refusal leaves the code as it was, so that what was wrong can be set right. Cards, segments and the shop's own ids
    are not taken; `attributes` are the page's, never the newcomer's.
    """
    named = _device(device)
    right = phone_codes.attempt(SIGN_IN, phone_codes.normalised(phone), code, address)
    in_transaction(lambda connection: _check_free(connection, right))
    person = NewMember(phone=right.phone, name=new.name, email=new.email, language=new.language)
    person = replace(person, birthday=new.birthday, consents=new.consents, attributes=new.attributes)

    def work(connection: sa.Connection) -> Issued:
        phone_codes.use(connection, right, also_proved=True)
        enrolled = enrolment.enrol_in(connection, DOOR, person)
        return _opened(connection, decode_json(enrolled.body.decode())["member_id"], named)

    return races.run(work)


def _check_free(connection: sa.Connection, right: phone_codes.Right) -> None:
    """Let the code enrol; where the phone is a member's it goes on to sign in, and only that."""
    if _member(connection, right.phone) is not None:
        detail = "This phone is a member's already: sign in with the code, without enrolling."
        raise Conflict("phone_taken", detail, {"phone": ["belongs to a member already"]})
    phone_codes.prove(connection, right)


def _member(connection: sa.Connection, phone: str) -> str | None:
    return members.known_phones(connection, [phone]).get(phone)


def _locked(connection: sa.Connection, phone: str) -> str | None:
    """Return whose phone it is, and stays until the end of the transaction: a change that ran meanwhile has come first."""
    found = _member(connection, phone)
    if found is not None:
        members.lock(connection, found)
    return found if found == _member(connection, phone) else None


def _opened(connection: sa.Connection, member_id: str, device: str) -> Issued:
    return tokens.session_in(connection, member_id, device, clock.now() + timedelta(days=settings().session_days))


def _device(text: str | None) -> str:
    if not text:
        return UNNAMED
    wrong = Wrong()
    found = checking.words(wrong, "device", text)
    wrong.refuse_any("invalid_fields", "The device")
    return found


def sessions_of(member_id: str, current: str | None = None) -> tuple[Session, ...]:
    """Return where a member is signed in, newest first; `current` is the token that asks."""
    with reading() as connection:
        found = store.of_member(connection, member_id)
    good = [one for one in found if one.is_good(clock.now())]
    return tuple(_session(one, current) for one in good)


def _session(token: Token, current: str | None) -> Session:
    return Session(token.token_id, token.name, token.created_at, token.expires_at, token.token_id == current)


def end_session(member_id: str, token_id: str) -> None:
    """End one of a member's sessions: at once here, within 30 s elsewhere. Raises `NotFound`, also for another's."""
    if not tokens.end_session(member_id, token_id):
        raise NotFound("session_not_found", "There is no such session of yours.")
