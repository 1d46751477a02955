"""One-time codes that are sent to a telephone number, whether or not a member has it: what is asked and answered is the same.

A try is counted in a transaction of its own before the code is looked at, as `one_time_codes` does. A right code is used
once; one that signs in nobody, because nobody has the phone, goes on to prove the phone for enrolling only.
"""

import hmac
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Final, NamedTuple

import phonenumbers
import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.config import Settings
from loyalty_engine.services import checking, deployment_secrets, door_caps, messages, newcomers, phones
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.settings import settings
from loyalty_engine.store import phone_codes as store
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.phone_codes import PhoneCode
from loyalty_engine.store.session import in_transaction, reading
from rules.errors import Forbidden, Invalid
from rules.programme import Programme

GOOD_FOR: Final = timedelta(minutes=5)
PROVES_FOR: Final = timedelta(minutes=30)
"""How long after it was right a code lets its phone's owner enrol."""
TRIES: Final = 5
_SECRETS: Final = ("codes", "doors", "phones")
_REMEDY: Final = {"code": ["ask for another code"]}


class Purpose(NamedTuple):
    """What a code is for, and for whom: one that was sent for something else proves nothing here."""

    kind: str
    subject: str = ""


SIGN_IN: Final = Purpose("sign_in")


class Right(NamedTuple):
    """A code that was right when it was tried; `use` it in the transaction of what it proves."""

    phone: str
    code_hash: str


def normalised(text: str) -> str:
    """Return a telephone number in E.164; raises `Invalid`."""
    with reading() as connection:
        programme = plan_for(connection, clock.now()).programme
    wrong = Wrong()
    phone = newcomers.phone_of(wrong, text, programme)
    wrong.refuse_any("phone_invalid", "The telephone number")
    return phone


def send(purpose: Purpose, phone: str, language: str | None, address: str, member_id: str | None = None) -> None:
    """Make a code in place of the phone's earlier one, and have it sent. Raises `Invalid` and `TooMany`."""
    of_deployment = settings()
    with reading() as connection:
        programme = plan_for(connection, clock.now()).programme
    _check_reach(phone, programme, of_deployment)
    spoken = _language(language, programme)

    def work(connection: sa.Connection) -> None:
        now = clock.now()
        door_caps.take(connection, of_deployment, phone, address, now)
        code = f"{secrets.randbelow(10**6):06d}"
        hashed = _hash(connection, purpose, phone, code)
        store.put(connection, phone, PhoneCode(hashed, TRIES, now + GOOD_FOR, None), now)
        minutes = GOOD_FOR // timedelta(minutes=1)
        messages.plan_code(
            connection,
            programme,
            phone=phone,
            member_id=member_id,
            language=spoken,
            code=code,
            minutes=minutes,
            cause_id=new_id(),
            now=now,
        )

    deployment_secrets.prepare(*_SECRETS)
    in_transaction(work)


def _check_reach(phone: str, programme: Programme, of_deployment: Settings) -> None:
    """Refuse a number that can't get a text message, or lies in a country that is not written to."""
    if not is_served(phone, programme, of_deployment):
        served = _served(programme, of_deployment)
        said = {"phone": [f"must be a number of {', '.join(served)}" if served else "no country is written to yet"]}
        raise Invalid("phone_not_served", "Codes are not sent to this country.", said)
    if not phones.takes_sms(phone):
        said = {"phone": ["must be the number of a mobile telephone"]}
        raise Invalid("phone_without_sms", "This number can't get text messages.", said)


def is_served(phone: str, programme: Programme, of_deployment: Settings) -> bool:
    """Tell whether a number lies in a country that is written to."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(phone)) in _served(programme, of_deployment)


def _served(programme: Programme, of_deployment: Settings) -> tuple[str, ...]:
    own = phones.region_of(programme.time_zone)
    return of_deployment.sms_countries or ((own,) if own else ())


def _language(asked: str | None, programme: Programme) -> str:
    if asked is None:
        return newcomers.default_language(programme)
    wrong = Wrong()
    checking.language(wrong, "language", asked)
    wrong.refuse_any("invalid_fields", "The language")
    return asked


def attempt(purpose: Purpose, phone: str, code: str, address: str | None = None) -> Right:
    """Try a code, outside any transaction. Raises `Forbidden`: `code_wrong`, `code_expired`, `code_tries_used_up`.

    Of whoever isn't known yet the tries of an `address` are counted first, and `TooMany` leaves the code its own.
    """

    def tried(connection: sa.Connection) -> tuple[PhoneCode | Forbidden, str]:
        if address is not None:
            door_caps.take_try(connection, settings(), address, clock.now())
        return _tried(connection, phone), _hash(connection, purpose, phone, code)

    deployment_secrets.prepare(*_SECRETS)
    found, hashed = in_transaction(tried)
    if isinstance(found, Forbidden):
        raise found
    if not hmac.compare_digest(found.code_hash, hashed):
        raise _wrong(found.tries_left)
    return Right(phone, hashed)


def _tried(connection: sa.Connection, phone: str) -> PhoneCode | Forbidden:
    now = clock.now()
    counted = store.take_try(connection, phone, now)
    found = store.find(connection, phone)
    if counted and found is not None:
        return found
    if found is None:
        return _wrong(0)
    if found.expires_at <= now:
        return Forbidden("code_expired", "This code was good for some minutes: ask for another one.", _REMEDY)
    return Forbidden("code_tries_used_up", f"The code was tried {TRIES} times: ask for another one.", _REMEDY)


def prove(connection: sa.Connection, right: Right) -> None:
    """Let a right code enrol whoever has its phone, for half an hour from when it was right first."""
    now = clock.now()
    if not store.prove(connection, *right, now=now, until=now + PROVES_FOR, tries=TRIES):
        raise _wrong(0)


def use(connection: sa.Connection, right: Right, also_proved: bool = False) -> None:
    """Use up a right code; of two that do so at once, one is refused with `code_wrong`.

    Only for enrolling does a code that was right before do again: `also_proved`.
    """
    if not store.use(connection, *right, now=clock.now(), also_proved=also_proved):
        raise _wrong(0)


def sent_today() -> int:
    """Return how many codes were sent in the day's span that runs: what the cap on all of them looks at."""
    deployment_secrets.prepare(*_SECRETS)
    with reading() as connection:
        return door_caps.sent_in_all(connection, clock.now())


def _wrong(tries_left: int) -> Forbidden:
    rest = f"{tries_left} more tries" if tries_left else "ask for another one"
    return Forbidden("code_wrong", f"This is not the code that was sent, or it was used already: {rest}.", _REMEDY)


def _hash(connection: sa.Connection, purpose: Purpose, phone: str, code: str) -> str:
    said = "\0".join((*purpose, phone, code))
    return hmac.new(deployment_secrets.secret(connection, "codes"), said.encode(), sha256).hexdigest()
