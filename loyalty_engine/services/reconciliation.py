"""Finds out what became of texts of which nobody knows: by the gateway's own list, and not by sending them again.

One match that stands for no other message is the text. More than one, or a gateway without a list, leaves it unknown.
Source: RELIABILITY.md, SMS.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.channels import Listed
from loyalty_engine.services.dispatch_parcels import LEASE
from loyalty_engine.services.dispatch_results import ASK_AFTER
from loyalty_engine.services.gateways import gateways
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import members
from loyalty_engine.store import message_sending as store
from loyalty_engine.store import message_unknown as unknown
from loyalty_engine.store.message_sending import Change
from loyalty_engine.store.message_unknown import Unknown
from loyalty_engine.store.session import in_transaction, reading

ONCE_MORE_AFTER: Final = timedelta(hours=4)
"""By then a gateway that had an expiry notice lists it."""
LAST_ASKED: Final = timedelta(days=1)
_CLOCKS: Final = timedelta(hours=25)
"""How far the gateway's clock may be from what ours was: one that was set wrong by a day doubles nothing."""


def reconcile(now: datetime, limit: int, stopping: Callable[[], bool] = lambda: False) -> int:
    """Ask for what is unknown and due to be asked for; return how many messages were looked at.

    A gateway that doesn't answer is asked no more in this call: what is behind would wait as long for nothing.
    """
    ended = in_transaction(partial(_end_leases, now=now, most=limit))
    with reading() as connection:
        found = unknown.to_ask_for(connection, now, limit)
    looked, silent = 0, set[str]()
    for one in found:
        if stopping():
            break
        _look_into(one, now, silent)
        looked += 1
    return max(ended, looked)


def _end_leases(connection: sa.Connection, now: datetime, most: int) -> int:
    """Whoever held these is dead or hangs: whether they were sent, nobody knows."""
    new = Change("unknown", error="lease_ended", lease_until=now + ASK_AFTER)
    rows = unknown.lapsed(connection, now, LEASE, most)
    return sum(store.change(connection, member, message, claim, new, now) for member, message, claim in sorted(rows))


def _look_into(one: Unknown, now: datetime, silent: set[str]) -> None:
    """Ask for one; where its channel is `silent` only put it off, so that it stands in nobody's way."""
    age = now - one.changed_at
    wait = ASK_AFTER if one.channel in silent else max(age, ASK_AFTER)
    following = now + wait if age < LAST_ASKED else None
    if not in_transaction(partial(unknown.ask_later, one=one, at=following)):
        return
    listed = None if one.channel in silent else _listed(one, silent)
    if listed is None:
        return
    with reading() as connection:
        known = unknown.known_ids(connection, one.member_id)
    unclaimed = [each for each in listed if each.provider_id not in known]
    if len(unclaimed) == 1:
        in_transaction(partial(_found, one=one, listed=unclaimed[0]))
    elif not listed and age >= ONCE_MORE_AFTER:
        in_transaction(partial(_once_more, one=one, now=now))


def _listed(one: Unknown, silent: set[str]) -> list[Listed] | None:
    """Return what the gateway lists of this text since it was planned; None for no answer, which `silent` learns."""
    gateway, to = gateways().get(one.channel), _address(one)
    if gateway is None or to is None or one.sent_digest is None:
        return None
    # From when it was planned, and not from when it was last claimed: nobody may have looked for it for days.
    found = gateway.channel.find(to, one.sent_digest, one.planned_at - _CLOCKS, clock.now() + _CLOCKS)
    if found is None:
        silent.add(one.channel)
        return None
    return list(found)


def _address(one: Unknown) -> str | None:
    with reading() as connection:
        profile = members.profile(connection, one.member_id)
    if profile is None:
        return None
    return profile.phone if one.channel == "sms" else profile.email


def _found(connection: sa.Connection, one: Unknown, listed: Listed) -> None:
    now = clock.now()
    store.raise_to(
        connection,
        one.member_id,
        one.message_id,
        listed.status,
        provider_id=listed.provider_id,
        error=listed.error,
        reason=None,
        since=one.changed_at,
        now=now,
    )


def _once_more(connection: sa.Connection, one: Unknown, now: datetime) -> None:
    """An expiry notice may go once more, because points lapse; a greeting that may have come must not come twice."""
    notices = plan_for(connection, now).programme.messages.expiry_notices
    if notices is not None and one.template == notices.template:
        unknown.send_again(connection, one, now)
