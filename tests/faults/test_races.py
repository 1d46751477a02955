"""Many clients at once on PostgreSQL: each effect happens once, every answer is true, nothing waits for ever."""

import gc
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier, Event, Thread, local
from typing import Any, TypeVar

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import purchases
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.purchase_batches import post_many
from loyalty_engine.store import member_batches
from loyalty_engine.store.session import db, in_transaction
from rules.errors import Refusal
from tests.builders import ADMIN
from tests.ledger import (
    TEA_CLUB,
    assert_clean,
    figures,
    line,
    move,
    open_shop,
    post,
    rows,
    said,
    sold,
    take_return,
)

pytestmark = pytest.mark.postgresql

T = TypeVar("T")
SIMPLE = "".join(one for one in TEA_CLUB.splitlines(keepends=True) if "-a-day" not in one and "for-all" not in one)


@pytest.fixture
def shop(postgresql_application: Flask) -> Any:
    """A shop on PostgreSQL; tables are emptied by `open_shop`."""
    with postgresql_application.app_context():
        yield postgresql_application


def at_once(app: Flask, work: Sequence[Callable[[], T]]) -> list[T | Refusal]:
    """Start everything at the same moment, each in a thread and a context of its own; refusals are results."""
    start = Barrier(len(work))

    def run(one: Callable[[], T]) -> T | Refusal:
        with app.app_context():
            start.wait(20)
            try:
                return one()
            except Refusal as refusal:
                return refusal

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))


def answers(results: Sequence[Answer | Refusal]) -> list[Answer]:
    refused = [f"{one.code}: {one.detail}" for one in results if isinstance(one, Refusal)]
    assert not refused, refused
    return [one for one in results if isinstance(one, Answer)]


def test_fifty_equal_requests_have_one_effect_and_fifty_equal_answers(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)
    posted = sold("p1", ann, receipt="r1")
    given = answers(at_once(shop, [partial(post, posted)] * 50))
    assert len({one.body for one in given}) == 1
    assert Counter(one.status for one in given) == {201: 1, 200: 49}
    assert rows("SELECT COUNT(*) AS count FROM purchases") == [{"count": 1}]
    assert_clean()


def test_two_tills_with_one_receipt_have_one_effect(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)
    for number in range(10):
        one, other = (sold(f"p{number}-{till}", ann, receipt=f"r{number}") for till in "ab")
        given = answers(at_once(shop, [partial(post, one), partial(post, other)]))
        assert given[0].body == given[1].body
    assert rows("SELECT COUNT(*) AS count FROM purchases") == [{"count": 10}]
    assert_clean()


def test_a_changed_request_beside_the_first_one_is_refused_or_wins_whole(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)
    for number in range(6):
        one, other = sold(f"p{number}", ann, line()), sold(f"p{number}", ann, line(amount=7))
        results = at_once(shop, [partial(post, one), partial(post, other)])
        assert Counter(isinstance(result, Refusal) for result in results) == {True: 1, False: 1}
    assert_clean()


def test_threads_that_post_for_one_member_leave_no_gap(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)
    mine = [[sold(f"p{thread}-{number}", ann, line(amount=100)) for number in range(8)] for thread in range(8)]
    at_once(shop, [partial(lambda many: [post(one) for one in many], many) for many in mine])
    seqs = [row["seq"] for row in rows("SELECT seq FROM ledger_entries WHERE member_id = :m ORDER BY seq", m=ann)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert rows("SELECT purchases_count FROM members WHERE member_id = :m", m=ann) == [{"purchases_count": 64}]
    assert_clean()


def test_a_purchase_that_races_its_return_ends_returned(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)
    for number in range(12):
        name = f"p{number}"
        results = at_once(shop, [partial(post, sold(name, ann)), partial(take_return, name, "x", None)])
        assert {said(one)["status"] for one in answers(results)} <= {"posted", "returned", "waiting"}
    assert {row["kept"] for row in rows("SELECT kept FROM purchases")} == {"{}"}
    assert set(figures(ann).values()) == {(0, 0, 0, 0)}
    assert_clean()


def test_two_returns_of_the_same_unit_take_it_back_once(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)
    for number in range(8):
        post(sold(f"p{number}", ann, line(quantity=1)))
        both = [partial(take_return, f"p{number}", reference, {"1": 1}) for reference in ("x1", "x2")]
        results = at_once(shop, both)
        assert [one.code for one in results if isinstance(one, Refusal)] == ["return_exceeds_purchase"]
    assert_clean()


def test_one_return_sent_twice_at_once_is_booked_once(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)
    post(sold("p1", ann, line(quantity=3)))
    given = answers(at_once(shop, [partial(take_return, "p1", "x1", {"1": 1})] * 10))
    assert len({one.body for one in given}) == 1
    assert rows("SELECT left_units FROM purchases") == [{"left_units": '{"1":2}'}]
    assert_clean()


def test_a_move_that_races_a_return_loses_nothing(shop: Flask) -> None:
    ann, ben, _ = open_shop(SIMPLE)
    for number in range(8):
        name = f"p{number}"
        post(sold(name, ann, line(quantity=3)))
        answers(at_once(shop, [partial(move, name, ben), partial(take_return, name, "x", {"1": 2})]))
    left = rows("SELECT left_units, member_id FROM purchases WHERE status = 'posted'")
    assert {(row["left_units"], str(row["member_id"])) for row in left} == {('{"1":1}', ben)}
    assert set(figures(ann).values()) == {(0, 0, 0, 0)}
    assert_clean()


def test_a_budget_over_everyone_is_never_oversold(shop: Flask) -> None:
    members = open_shop(TEA_CLUB, members=8)
    work = [
        partial(lambda member, many: [post(one) for one in many], member, [
            sold(f"{member}-{number}", member, line(amount=20_000)) for number in range(4)
        ])
        for member in members
    ]  # fmt: skip
    at_once(shop, work)
    assert rows("SELECT cap_id, used FROM budgets") == [{"cap_id": "petals-for-all/month", "used": 90}]
    assert rows("SELECT SUM(points) AS points FROM ledger_entries WHERE wallet = 'petals'")[0]["points"] == 90
    assert_clean()


def test_moves_and_returns_among_members_never_hang(shop: Flask) -> None:
    members = open_shop(SIMPLE, members=4)
    for number in range(6):
        post(sold(f"p{number}", members[number % 4], line(quantity=4)))

    def shuffle(seed: int) -> None:
        chance = random.Random(seed)
        for turn in range(8):
            name = f"p{chance.randrange(6)}"
            try:
                if chance.random() < 0.6:
                    move(name, chance.choice(members))
                else:
                    take_return(name, f"x{seed}-{turn}", {"1": 1})
            except Refusal as refusal:
                assert refusal.code in ("already_theirs", "return_exceeds_purchase")  # noqa: PT017

    results = at_once(shop, [partial(shuffle, seed) for seed in range(6)])
    assert results == [None] * 6
    assert_clean()


def test_imports_over_the_same_members_in_other_orders_all_arrive(shop: Flask) -> None:
    members = open_shop(TEA_CLUB, members=6)

    def batch(seed: int) -> list[str]:
        order = random.Random(seed).sample(members, len(members))
        many = [sold(f"b{seed}-{number}", order[number % 6], line(amount=900)) for number in range(18)]
        return [one.status for one in post_many(ADMIN, many)]

    results = at_once(shop, [partial(batch, seed) for seed in range(4)])
    assert results == [["posted"] * 18] * 4
    assert_clean()


def test_a_serialization_failure_is_tried_again(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)
    failures = iter([psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected])

    def work(connection: sa.Connection) -> Answer:
        answer = purchases.post_in(connection, ADMIN, sold("p1", ann, receipt="r1"))
        failure = next(failures, None)
        if failure is not None:
            code = {"SerializationFailure": "40001", "DeadlockDetected": "40P01"}[failure.__name__]
            raised = f"DO $$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{code}'; END $$"
            connection.exec_driver_sql(raised)
        return answer

    assert in_transaction(work).status == 201
    assert rows("SELECT COUNT(*) AS count FROM purchases") == [{"count": 1}]
    assert_clean()


class _Crossing:
    """Lets two threads meet once each after their first lock, so that each then waits for what the other holds."""

    def __init__(self) -> None:
        self.barrier, self.met, self.attempts = Barrier(2), local(), Counter[str]()

    def __call__(self, name: str) -> None:
        self.attempts[name] += 1
        if not getattr(self.met, "once", False):
            self.met.once = True
            self.barrier.wait(20)


def test_single_postings_that_lock_two_members_crosswise_are_tried_again(shop: Flask) -> None:
    ann, ben, *_ = open_shop(SIMPLE)
    crossing = _Crossing()

    def both(name: str, first: str, second: str) -> list[int]:
        def work(connection: sa.Connection) -> list[int]:
            one = purchases.post_in(connection, ADMIN, sold(f"{name}-1", first))
            crossing(name)
            return [one.status, purchases.post_in(connection, ADMIN, sold(f"{name}-2", second)).status]

        return in_transaction(work)

    results = at_once(shop, [partial(both, "a", ann, ben), partial(both, "b", ben, ann)])
    assert results == [[201, 201]] * 2
    assert sorted(crossing.attempts.values()) == [1, 2], "one was undone by PostgreSQL (40P01), and ran again"
    assert rows("SELECT COUNT(*) AS count FROM purchases") == [{"count": 4}]
    assert_clean()


def test_batches_whose_runs_lock_members_crosswise_are_tried_again(
    shop: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A purchase whose return came first ends a run: members are locked in the order of their ids within each alone."""
    ann, ben, *_ = open_shop(SIMPLE)
    take_return("a-2", "ra")
    take_return("b-2", "rb")
    crossing, lock = _Crossing(), member_batches.lock

    def locked(connection: sa.Connection, ids: Any) -> Any:
        found = lock(connection, ids)
        if len(found) == 1:
            crossing(next(iter(found)))
        return found

    monkeypatch.setattr(member_batches, "lock", locked)

    def batch(name: str, first: str, second: str) -> list[str]:
        bought = [sold(f"{name}-{number}", who) for number, who in ((1, first), (2, first), (3, second))]
        return [one.status for one in post_many(ADMIN, bought)]

    results = at_once(shop, [partial(batch, "a", ann, ben), partial(batch, "b", ben, ann)])
    assert results == [["posted"] * 3] * 2
    assert crossing.attempts.total() == 5, "two runs each, and the first run of the one that ran again"
    assert rows("SELECT COUNT(*) AS count FROM purchases") == [{"count": 6}]
    assert_clean()


def test_a_connection_cut_in_the_middle_is_tried_again(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)
    cuts = iter([True, True])

    def work(connection: sa.Connection) -> Answer:
        answer = purchases.post_in(connection, ADMIN, sold("p1", ann))
        if next(cuts, False):
            backend = connection.scalar(sa.text("SELECT pg_backend_pid()"))
            with db.engine.connect() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": backend})
            connection.scalar(sa.text("SELECT 1"))
        return answer

    assert in_transaction(work).status == 201
    assert rows("SELECT COUNT(*) AS count FROM purchases") == [{"count": 1}]
    assert_clean()


@pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
def test_every_acknowledged_purchase_is_there_after_backends_were_killed(shop: Flask) -> None:
    """Clients write down what was acknowledged; what was not may be sent again, and then is there once."""
    members = open_shop(SIMPLE, members=4)
    over = Event()

    def killer() -> None:
        with shop.app_context():
            url = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
            kill = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 2"
            )
            with psycopg.connect(url, autocommit=True) as connection:
                while not over.wait(0.15):
                    connection.execute(kill)

    acknowledged: list[str] = []

    def till(number: int) -> None:
        for turn in range(15):
            posted = sold(f"p{number}-{turn}", members[number % 4], line(amount=100), receipt=f"r{number}-{turn}")
            for _ in range(20):
                try:
                    post(posted)
                    acknowledged.append(f"s-1/{posted.purchase_id}")
                    break
                except Refusal as refusal:
                    assert refusal.code.startswith("database_"), refusal.code  # noqa: PT017

    thread = Thread(target=killer)
    thread.start()
    try:
        assert at_once(shop, [partial(till, number) for number in range(6)]) == [None] * 6
    finally:
        over.set()
        thread.join()
    db.engine.dispose()
    gc.collect()  # A pool that was thrown away leaves its dead connections to the collector.
    stored = Counter(row["purchase_key"] for row in rows("SELECT purchase_key FROM purchases"))
    assert stored == Counter(acknowledged)
    assert len(acknowledged) == 90
    assert_clean()


def test_who_waits_too_long_for_a_lock_is_asked_to_come_back(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)
    with db.engine.connect() as holder:
        holder.execute(sa.text("SELECT 1 FROM members WHERE member_id = :m FOR UPDATE"), {"m": ann})

        def impatient(connection: sa.Connection) -> Answer:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '200ms'")
            return purchases.post_in(connection, ADMIN, sold("p1", ann))

        with pytest.raises(Refusal) as caught:
            in_transaction(impatient)
        assert caught.value.code == "still_in_work"
    assert json.loads(post(sold("p1", ann, at=clock.now() - timedelta(minutes=2))).body)["status"] == "posted"
    assert_clean()
