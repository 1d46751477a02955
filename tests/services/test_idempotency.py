"""A client that doesn't know whether it was heard asks again: one effect, and the first answer."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine.services import enrolment, idempotency
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.idempotency import Work, remembered
from loyalty_engine.store.session import StillInWork, Unavailable, db
from loyalty_engine.store.tables import idempotency_keys, members, merchants
from rules.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from tests.builders import STAFF, TILL, publish
from tests.conftest import FrozenClock

BODY = b'{"a": 1}'


@pytest.fixture(autouse=True)
def _the_time(app: Flask, frozen_clock: FrozenClock) -> None: ...


class Adding:
    """Work that adds a merchant at each run, and answers with how many runs there were."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self.error = error

    def __call__(self, connection: sa.Connection) -> Answer:
        self.runs += 1
        connection.execute(merchants.insert().values(merchant_id=f"m-{self.runs}", name="Merchant"))
        if self.error is not None:
            raise self.error
        return Answer(201, f'{{"run": {self.runs}, "名": "é"}}'.encode())


def ask(
    work: Work, key: str | None = "k-1", body: bytes = BODY, actor: Actor = TILL, path: str = "/v1/things"
) -> Answer:
    return remembered(actor, key, "POST", path, body, work)


def count(table: sa.Table) -> int:
    with db.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_the_first_answer_comes_again_byte_for_byte() -> None:
    work = Adding()
    first, again = ask(work), ask(work)
    assert (first.replayed, again.replayed) == (False, True)
    assert (first.status, first.body) == (again.status, again.body)
    assert (work.runs, count(merchants)) == (1, 1)


def test_another_body_under_the_key_is_refused_and_changes_nothing() -> None:
    work = Adding()
    ask(work)
    with pytest.raises(Invalid) as refused:
        ask(work, body=BODY + b" ")
    assert refused.value.code == "idempotency_key_reused"
    assert (work.runs, ask(work).replayed) == (1, True)


def test_a_key_belongs_to_a_client_a_method_and_a_path() -> None:
    work = Adding()
    ask(work)
    assert not ask(work, actor=STAFF).replayed
    assert not ask(work, path="/v1/other").replayed
    assert not remembered(TILL, "k-1", "PUT", "/v1/things", BODY, work).replayed
    assert not ask(work, key="k-2").replayed
    assert work.runs == 5


def test_without_a_key_nothing_is_remembered() -> None:
    work = Adding()
    assert (ask(work, key=None).replayed, ask(work, key=None).replayed) == (False, False)
    assert count(idempotency_keys) == 0


@pytest.mark.parametrize("key", ["", "a b", "k\n", "é", "k" * 256])
def test_a_key_is_plain_ascii(key: str) -> None:
    with pytest.raises(Invalid):
        ask(Adding(), key=key)


@pytest.mark.parametrize(
    ("refusal", "status"),
    [(Conflict("taken", "It is taken."), 409), (NotFound("gone", "It is gone."), 404),
     (Invalid("wrong", "It is wrong.", {"a": ["must be b"]}), 422)],
)  # fmt: skip
def test_a_business_refusal_is_remembered_and_leaves_no_effect(refusal: Refusal, status: int) -> None:
    work = Adding(refusal)
    first, again = ask(work), ask(work)
    assert (first.status, first.replayed, again.replayed) == (status, False, True)
    assert first.body == again.body
    told = json.loads(first.body)
    assert (told["code"], told["status"], told["detail"]) == (refusal.code, status, refusal.detail)
    assert told.get("errors", {}) == {path: list(messages) for path, messages in refusal.errors.items()}
    assert (work.runs, count(merchants)) == (1, 0)


@pytest.mark.parametrize(
    "error",
    [Forbidden("no", "No."), Unavailable("down", "Down."), StillInWork("busy", "Busy."), ZeroDivisionError()],
)
def test_what_may_go_better_next_time_is_not_remembered(error: Exception) -> None:
    work = Adding(error)
    with pytest.raises(type(error)):
        ask(work)
    assert (count(merchants), count(idempotency_keys)) == (0, 0)
    work.error = None
    assert not ask(work).replayed


def test_who_loses_a_race_undoes_all_and_answers_what_the_winner_did(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time: there is no race to lose")
    winner = Adding()

    def overtake() -> Answer:
        with app.app_context():
            return ask(lambda connection: Answer(201, b"the winner's"))

    def overtaken(connection: sa.Connection) -> Answer:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(overtake).result()
        return winner(connection)

    assert ask(overtaken) == Answer(201, b"the winner's", replayed=True)
    assert (winner.runs, count(merchants)) == (1, 0)


def test_fifty_equal_requests_at_once_have_one_effect_and_equal_answers(app: Flask) -> None:
    publish()

    def enrol(_: int) -> Answer:
        with app.app_context():
            return ask(lambda connection: enrolment.enrol_in(connection, TILL, NewMember(phone="+8613800138000")))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(enrol, range(50)))
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert sum(not answer.replayed for answer in answers) == 1
    assert (count(members), count(idempotency_keys)) == (1, 1)


def test_fifty_equal_requests_that_nothing_else_tells_apart_have_one_effect(app: Flask) -> None:
    publish()

    def enrol(_: int) -> Answer:
        with app.app_context():
            return ask(lambda connection: enrolment.enrol_in(connection, TILL, NewMember()))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(enrol, range(50)))
    assert len({answer.body for answer in answers}) == 1
    assert count(members) == 1


@pytest.mark.parametrize(("seconds", "kept"), [(-1, 1), (0, 1), (1, 0)])
def test_keys_are_forgotten_when_they_are_older_than_30_days(
    frozen_clock: FrozenClock, seconds: int, kept: int
) -> None:
    ask(Adding())
    frozen_clock.move(timedelta(days=30, seconds=seconds))
    assert idempotency.forget_expired() == 1 - kept
    assert count(idempotency_keys) == kept
