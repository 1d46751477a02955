"""Sends what is due: claimed and committed as `sending` before the gateway is asked, asked outside of any transaction, and
what it answered written down only where nobody else resolved it meanwhile.

So a process that dies leaves a message `sending`, whose lease ends and which then is `unknown`: it is never sent again
blindly. Source: RELIABILITY.md, SMS.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from time import sleep
from typing import Final

import sqlalchemy as sa
from flask import current_app

from loyalty_engine import clock
from loyalty_engine.services import dispatch_parcels, dispatch_results
from loyalty_engine.services.dispatch_calls import Called, Caller
from loyalty_engine.services.dispatch_parcels import Parcel
from loyalty_engine.services.gateways import CALLS_AT_ONCE, Gateway, gateways
from loyalty_engine.store import message_sending as store
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import StillInWork, Unavailable, in_transaction, reading

_RECORD_AT_LEAST: Final = 25
_RECORD_SECONDS: Final = 0.25
_RECORD_TRIES: Final = 20
Stopping = Callable[[], bool]


def send_due(owner: str, limit: int, stopping: Stopping = lambda: False) -> int:
    """Send messages that are due, some `limit` of them; return how many were taken up.

    `owner` names the worker. Call it until it returns 0.
    """
    taken = 0
    for gateway in gateways().values():
        while taken < limit and not stopping():
            page = _send_page(owner, gateway, limit - taken, stopping)
            if not page:
                break
            taken += page
    return taken


def _send_page(owner: str, gateway: Gateway, most: int, stopping: Stopping) -> int:
    room = gateway.room(most)
    groups = _due(gateway, room) if room else []
    if not groups:
        return 0
    claim = f"{owner[:27]}/{new_id()}"
    taken, parcels = in_transaction(partial(_claimed, groups=groups, gateway=gateway, claim=claim))
    _hand_over(gateway, parcels, stopping)
    return taken


def _due(gateway: Gateway, room: int) -> list[store.Group]:
    with reading() as connection:
        return store.due(connection, gateway.name, clock.now(), room)[:room]


def _claimed(
    connection: sa.Connection, groups: Sequence[store.Group], gateway: Gateway, claim: str
) -> tuple[int, list[Parcel]]:
    """Claim groups, in an order that is the same for every worker, and write their texts; return how many messages."""
    now, taken = clock.now(), 0
    parcels: list[Parcel] = []
    for group in sorted(groups, key=lambda one: (one.member_id, one.channel, one.purpose)):
        rows = store.claim(connection, group, claim, gateway.channel.provider, now, dispatch_parcels.LEASE)
        taken += len(rows)
        parcels += dispatch_parcels.packed(connection, rows, gateway, claim, now)
    return taken, sorted(parcels, key=lambda parcel: parcel.first_at)


def _hand_over(gateway: Gateway, parcels: Sequence[Parcel], stopping: Stopping) -> None:
    """Ask the gateway for each, several at once, and write down what it answered a few at a time."""
    caller = Caller(gateway, stopping, current_app.extensions["loyalty_log"])
    with ThreadPoolExecutor(min(CALLS_AT_ONCE, max(1, len(parcels))), "loyalty-send") as pool:
        open_calls: set[Future[Called]] = {pool.submit(caller.call, parcel) for parcel in parcels}
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
