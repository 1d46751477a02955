"""Two and four workers tell a target at once, while tills go on: nothing is missed, and each member's events are in order."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import webhooks
from loyalty_engine.services.webhook_delivery import Courier
from loyalty_engine.store import webhook_queue
from loyalty_engine.store.session import in_transaction
from tests.ledger import assert_clean, open_shop, post, rows, sold
from tests.webhooks import Received, Receiver, cursors, deliver, listening, outbox, target, telling

pytestmark = pytest.mark.postgresql


@pytest.fixture
def shop(postgresql_application: Flask) -> Iterator[Flask]:
    with postgresql_application.app_context():
        yield postgresql_application


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_beside_each_other_miss_nothing_and_keep_the_order(
    shop: Flask, receiver: Receiver, workers: int
) -> None:
    unlucky = random.Random(workers)
    receiver.answer = lambda received: 500 if unlucky.random() < 0.05 else 200
    crm, over = target(receiver.url), Event()
    with telling(shop, crm):
        members = open_shop(members=8)

        def work(number: int) -> None:
            with shop.app_context():
                courier = Courier(crm, f"worker-{number}")
                while not (over.is_set() and not any(one["next_at"] for one in cursors())):
                    courier.run()
                    _let_nobody_wait()
                courier.close()

        def sell(number: int) -> None:
            with shop.app_context():
                for turn in range(12):
                    post(sold(f"p-{number}-{turn}", members[(turn + number) % 8]))

        with ThreadPoolExecutor(workers + 2) as pool:
            working = [pool.submit(work, number) for number in range(workers)]
            for selling in [pool.submit(sell, number) for number in range(2)]:
                selling.result()
            over.set()
            for one in working:
                one.result()
    _all_came_in_order(receiver, members)
    assert_clean()


def _let_nobody_wait() -> None:
    """Failures are tried again at once here."""

    def now(connection: sa.Connection) -> None:
        waiting = "UPDATE webhook_cursors SET next_at = :now WHERE next_at > :now AND lease_until IS NULL"
        connection.execute(sa.text(waiting), {"now": clock.now()})

    in_transaction(now)


def _all_came_in_order(receiver: Receiver, members: list[str]) -> None:
    kept: dict[str, list[int]] = {}
    for event in outbox():
        kept.setdefault(event["member_id"], []).append(event["event_no"])
    for member in members:
        came = list(dict.fromkeys(receiver.of(member)))
        assert came == kept[member], "the first time that each comes is in order"


def test_an_event_that_is_being_written_while_its_cursor_is_settled_is_not_forgotten(
    shop: Flask, receiver: Receiver
) -> None:
    crm = target(receiver.url)
    with telling(shop, crm):
        (ann,) = open_shop(members=1)
        written, settling = Event(), Event()

        def write(connection: sa.Connection) -> None:
            webhooks.emit(connection, ann, "member", {"change": "changed", "fields": []})
            written.set()
            assert settling.wait(10)

        def in_another_process() -> None:
            with shop.app_context():
                in_transaction(write)

        writer = Thread(target=in_another_process)

        def answer(received: Received) -> int:
            receiver.answer = lambda received: 200
            writer.start()
            assert written.wait(10)
            Thread(target=lambda: (_until_it_waits(shop), settling.set())).start()
            return 200

        receiver.answer = answer
        assert deliver(crm) == 1
        writer.join()
        assert deliver(crm) == 1
    assert receiver.of(ann) == [1, 2]


def _until_it_waits(shop: Flask) -> None:
    """Wait until the settling of the cursor stands behind the transaction that woke it."""
    with shop.app_context():
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%webhook_cursors%'"
        for _ in range(1_000):
            if rows(waiting):
                return
        raise AssertionError("nobody waits")


def test_of_many_who_claim_one_cursor_one_has_it(shop: Flask, receiver: Receiver) -> None:
    lengths = webhook_queue.Lengths(timedelta(minutes=1), timedelta(hours=2))
    with telling(shop, target(receiver.url)):
        (ann,) = open_shop(members=1)

    def claim(number: int) -> Any:
        with shop.app_context():
            return in_transaction(
                lambda connection: webhook_queue.claim(connection, ann, "crm", f"w{number}", clock.now(), lengths)
            )

    with ThreadPoolExecutor(8) as pool:
        assert len([one for one in pool.map(claim, range(8)) if one]) == 1
