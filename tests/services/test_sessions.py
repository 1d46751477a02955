"""How members sign in by themselves: codes, tries, ends, caps, and what is the same for a known and an unknown phone."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import sessions, tokens
from loyalty_engine.services.newcomers import NewMember
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import messages
from rules.errors import Refusal
from tests.builders import publish
from tests.ledger import enrol

KNOWN, UNKNOWN = "+8613800138000", "+8613900139000"
HERE = "203.0.113.7"
sqlite = pytest.mark.parametrize("application", ["sqlite"], indirect=True)

pytestmark = pytest.mark.usefixtures("app", "frozen_clock")


@pytest.fixture
def ann() -> str:
    """A member with a phone, in a programme of Shanghai."""
    publish()
    return enrol(phone=KNOWN, name="Ann")


def ask(phone: str = KNOWN, address: str = HERE) -> str:
    """Ask for a code and return the one that the message holds."""
    sessions.ask_code(phone, "en", address)
    newest = sa.select(messages.c.places).where(messages.c.to_address == phone).order_by(messages.c.message_id.desc())
    with db.engine.connect() as connection:
        code: str = json.loads(connection.execute(newest).scalars().first() or "")["code"]
    return code


def refused(work: Callable[..., Any], *given: Any, **named: Any) -> str:
    """Return the code with which it is refused."""
    with pytest.raises(Refusal) as error:
        work(*given, **named)
    return error.value.code


def other(code: str) -> str:
    """Return a code that is another one."""
    return f"{(int(code) + 1) % 10**6:06d}"


def test_a_member_signs_in_with_the_code_that_was_sent(ann: str) -> None:
    issued = sessions.open_session("138 0013 8000", ask(), "Ann's phone")
    who = tokens.authenticate(issued.text)
    assert who is not None
    assert (who.role, who.member_id) == ("member", ann)
    assert issued.token.expires_at == clock.now() + timedelta(days=90)
    (session,) = sessions.sessions_of(ann, issued.token.token_id)
    assert (session.device, session.current) == ("Ann's phone", True)


def test_a_right_code_for_a_phone_that_nobody_has_enrols_and_signs_in(ann: str) -> None:
    code = ask(UNKNOWN)
    assert refused(sessions.open_session, UNKNOWN, code) == "not_a_member"
    issued = sessions.enrol(UNKNOWN, code, NewMember(name="Bo"), "a tablet")
    assert issued.token.member_id not in (None, ann)
    assert refused(sessions.open_session, UNKNOWN, code) == "code_wrong"
