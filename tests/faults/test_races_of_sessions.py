"""Many who ask at once for what there is once: a code's session, a phone's enrolment, the last code under a cap."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine.services import sessions
from loyalty_engine.services.newcomers import NewMember
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import door_counts, messages, phones, tokens
from rules.errors import Refusal
from tests.builders import publish
from tests.doors import HERE, KNOWN, UNKNOWN, ask
from tests.ledger import enrol

MANY = 20


def at_once(app: Flask, work: Any) -> list[str]:
    """Do the same in many threads; return what came of each: `done`, or the code of a refusal."""

    def one(_: int) -> str:
        with app.app_context():
            try:
                work()
            except Refusal as refusal:
                return refusal.code
            return "done"

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def count(query: sa.Select[Any]) -> int:
    with db.engine.connect() as connection:
        return len(connection.execute(query).all())


@pytest.fixture
def shop(app: Flask, frozen_clock: Any) -> Flask:
    publish()
    enrol(phone=KNOWN)
    return app


def test_a_right_code_that_is_sent_many_times_at_once_opens_one_session(shop: Flask) -> None:
    code = ask()
    came = at_once(shop, lambda: sessions.open_session(KNOWN, code))
    assert came.count("done") == 1
    assert set(came) <= {"done", "code_wrong", "code_tries_used_up"}
    assert count(sa.select(tokens.c.token_id).where(tokens.c.member_id.is_not(None))) == 1


def test_a_phone_that_enrols_many_times_at_once_is_one_member(shop: Flask) -> None:
    code = ask(UNKNOWN)
    came = at_once(shop, lambda: sessions.enrol(UNKNOWN, code, NewMember(name="Bo")))
    assert came.count("done") == 1
    assert count(sa.select(phones.c.phone).where(phones.c.phone == UNKNOWN)) == 1
    assert count(sa.select(tokens.c.token_id).where(tokens.c.member_id.is_not(None))) == 1


def test_guesses_at_once_get_no_more_than_five_tries(shop: Flask) -> None:
    code = ask()
    came = at_once(shop, lambda: sessions.open_session(KNOWN, "x" + code))
    assert came.count("code_wrong") == 5
    assert came.count("code_tries_used_up") == MANY - 5


def test_codes_asked_for_at_once_stay_under_the_cap(shop: Flask) -> None:
    came = at_once(shop, lambda: sessions.ask_code(KNOWN, "en", HERE))
    assert (came.count("done"), came.count("too_many_codes")) == (3, MANY - 3)
    assert count(sa.select(messages.c.message_id)) == 3
    assert count(sa.select(door_counts.c.used).where(door_counts.c.used == 3)) == 5
