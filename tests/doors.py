"""What tests of the members' own door share: asking for a code and reading it off the message, and counting statements."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from loyalty_engine.services import sessions
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import messages
from rules.errors import Refusal

KNOWN, UNKNOWN = "+8613800138000", "+8613900139000"
HERE = "203.0.113.7"


def ask(phone: str = KNOWN, address: str = HERE) -> str:
    """Ask for a code and return the one that was sent."""
    sessions.ask_code(phone, "en", address)
    return sent(phone)


def sent(phone: str) -> str:
    """Return the code of the newest message to a phone."""
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


def statements(work: Callable[[], object]) -> list[str]:
    """Return what an SQLite database was asked while something was done: the verb and the table of each statement."""
    seen: list[str] = []

    def watch(connection: Any, *_: object) -> None:
        connection.set_trace_callback(lambda text: seen.append(" ".join(text.split()[:3])))

    event.listen(db.engine, "checkout", watch)
    try:
        work()
    finally:
        event.remove(db.engine, "checkout", watch)
        with db.engine.connect() as connection:
            connection.connection.driver_connection.set_trace_callback(None)  # type: ignore[union-attr]
    return seen
