"""Sends what is due: claimed and committed as `sending` before the gateway is asked, and asked outside of any transaction.

What it answered is written down only where nobody else resolved the message meanwhile. So a process that dies leaves a message `sending`, whose lease ends and which then is `unknown`: it is never sent again
blindly. Source: RELIABILITY.md, SMS.
"""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from functools import partial
from math import ceil
from time import sleep
from typing import Final

import sqlalchemy as sa
from flask import Flask, current_app

from loyalty_engine import clock
from loyalty_engine.services import dispatch_parcels, dispatch_results
from loyalty_engine.services.dispatch_calls import Called, Caller
from loyalty_engine.services.dispatch_parcels import Parcel
from loyalty_engine.services.gateways import PAGE, Gateway, gateways
from loyalty_engine.store import message_sending as store
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import StillInWork, Unavailable, has_one_writer, in_transaction, reading

LANES: Final = 3
"""So many pages are on their way at once: while the gateway works on one, the database works on another."""
_RECORD_AT_LEAST: Final = 8
_RECORD_SECONDS: Final = 0.1
_RECORD_TRIES: Final = 20
_WINDOW: Final = 6
"""A page is chosen by chance among so many times as many: two workers that want the same would wait for each other."""
Stopping = Callable[[], bool]


def send_due(owner: str, limit: int, stopping: Stopping = lambda: False) -> int:
    """Send messages that are due, some `limit` of them; return how many were taken up.

    `owner` names the worker. Call it until it returns 0.
    """
    return sum(_through(gateway, owner, limit, stopping) for gateway in gateways().values() if not stopping())


def _through(gateway: Gateway, owner: str, limit: int, stopping: Stopping) -> int:
    """Send what is due through one gateway, in as many lanes as there is work for."""
    room = gateway.room(limit)
    due = len(_waiting(gateway, room * LANES)) if room else 0
    if not due:
        return 0
    alone = has_one_writer() or gateway.breaker.state != "closed"
    lanes = 1 if alone else min(LANES, ceil(min(due, limit) / room))
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def lane() -> int:
        with app.app_context(), ThreadPoolExecutor(PAGE, "loyalty-call") as calls:
            return _pages(gateway, owner, ceil(limit / lanes), stopping, calls)

    with ThreadPoolExecutor(lanes, "loyalty-lane") as pool:
        return sum(done.result() for done in [pool.submit(lane) for _ in range(lanes)])


def _pages(gateway: Gateway, owner: str, most: int, stopping: Stopping, calls: Executor) -> int:
    taken = 0
    while taken < most and not stopping():
        groups = _due(gateway, most - taken)
        if not groups:
            break
        claim = f"{owner[:27]}/{new_id()}"
        more, parcels = in_transaction(partial(_claimed, groups=groups, gateway=gateway, claim=claim))
        _hand_over(gateway, parcels, stopping, calls)
        taken += more
    return taken


def _waiting(gateway: Gateway, most: int) -> list[store.Group]:
    with reading() as connection:
        return store.due(connection, gateway.name, clock.now(), most)


def _due(gateway: Gateway, most: int) -> list[store.Group]:
    """Return a page of what is due: codes, for which somebody waits, and some of the oldest."""
    room = gateway.room(most)
    if not room:
        return []
    found = _waiting(gateway, room * _WINDOW)
    codes = [group for group in found if group.purpose == "code"][:room]
    others = [group for group in found if group.purpose != "code"][: room * _WINDOW]
    # Nothing secret hangs on this chance.
    return codes + random.sample(others, min(len(others), room - len(codes)))


def _claimed(
    connection: sa.Connection, groups: Sequence[store.Group], gateway: Gateway, claim: str
) -> tuple[int, list[Parcel]]:
    """Claim groups, in an order that is the same for every worker, and write their texts; return how many messages."""
    now, taken = clock.now(), 0
    parcels: list[Parcel] = []
    for group in sorted(groups, key=lambda one: (one.member_id, one.purpose)):
        rows = store.claim(connection, group, claim, gateway.channel.provider, now, dispatch_parcels.LEASE)
        taken += len(rows)
        parcels += dispatch_parcels.packed(connection, rows, gateway, claim, now)
    return taken, sorted(parcels, key=lambda parcel: parcel.first_at)


def _hand_over(gateway: Gateway, parcels: Sequence[Parcel], stopping: Stopping, calls: Executor) -> None:
    """Ask the gateway for each, several at once, and write down what it answered a few at a time."""
    caller = Caller(gateway, stopping, current_app.extensions["loyalty_log"])
    open_calls: set[Future[Called]] = {calls.submit(caller.call, parcel) for parcel in parcels}
    ready: list[Called] = []
    while open_calls:
        done, open_calls = wait(open_calls, _RECORD_SECONDS, FIRST_COMPLETED)
        ready += [call.result() for call in done]
        if ready and (len(ready) >= _RECORD_AT_LEAST or not done or not open_calls):
            _record(ready)
            ready = []


def _record(called: Sequence[Called]) -> None:
    # In the order in which rows were claimed: two workers that write at once must not wait for each other in a circle.
    ordered = sorted(called, key=lambda one: one.parcel.key)
    for _ in range(_RECORD_TRIES - 1):
        try:
            return in_transaction(partial(dispatch_results.record, called=ordered))
        except (Unavailable, StillInWork):
            # What the gateway said can't be asked for again: a database that starts anew is waited for.
            sleep(1)
    return in_transaction(partial(dispatch_results.record, called=ordered))
