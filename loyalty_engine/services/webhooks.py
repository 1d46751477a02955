"""Tells the outbox what happened to members, in the transaction in which it happens; nothing where nobody is to be told.

What a posting does is read off the rows that it appends, so that no move can forget to tell. Payloads hold ids, codes of
the programme and figures: nobody's name, number, card or voucher code, and nothing that staff typed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from flask import current_app

from loyalty_engine import clock
from loyalty_engine.config import Settings
from loyalty_engine.config.webhooks import WebhookTarget
from loyalty_engine.store import webhooks as store
from loyalty_engine.store.postings import Appended
from loyalty_engine.store.webhooks import NewEvent, Outbox

KIND_OF: Final = {"redemption": "redemption", "hold": "redemption", "release": "redemption", "expiry": "expiry"}
"""The kind of event that a kind of ledger entry is; every other one gives, moves or takes back: an accrual."""
ENTRY: Final = (
    "seq wallet points available pending held debt forgiven source_kind source_id version occurred_at booked_at".split()
)
_VOUCHER: Final = ("voucher_id", "reward", "source_kind", "source_id", "valid_through")
_TIER: Final = ("change_no", "level", "since_at", "review_on", "source_kind", "version")

_encode = msgspec.json.Encoder().encode


def targets() -> tuple[WebhookTarget, ...]:
    """Return whom the settings tell."""
    settings: Settings = current_app.extensions["loyalty_settings"]
    return settings.webhooks


def outbox() -> Outbox | None:
    """Return whom a transaction tells of what it does; None for nobody."""
    told = targets()
    return Outbox({target.name: target.kinds for target in told}, clock.now()) if told else None


def emit(connection: sa.Connection, member_id: str, kind: str, data: Mapping[str, Any]) -> None:
    """Note one thing that happened to a member, in the caller's transaction."""
    if told := outbox():
        store.append(connection, [NewEvent(member_id, kind, _json(data))], told)


def emit_members(connection: sa.Connection, what: Mapping[str, Mapping[str, Any]]) -> None:
    """Note what changed of members themselves: by their ids, `change` and what goes with it."""
    if told := outbox():
        events = [NewEvent(member_id, "member", _json(data)) for member_id, data in what.items()]
        store.append(connection, events, told)


def emit_posting(connection: sa.Connection, appended: Appended) -> None:
    """Note what a posting did: its entries, new vouchers, and changes of level."""
    if told := outbox():
        store.append(connection, list(_events(appended)), told)


def _events(appended: Appended) -> Iterator[NewEvent]:
    for entry in appended.entries:
        data = {"entry": entry["kind"]} | {name: entry[name] for name in ENTRY}
        yield NewEvent(entry["member_id"], KIND_OF.get(entry["kind"], "accrual"), _json(data))
    for voucher in appended.vouchers:
        yield NewEvent(voucher["member_id"], "voucher", _json(voucher_data(voucher, "issued")))
    for change in appended.tier_changes:
        yield NewEvent(change["member_id"], "tier", _json({name: change[name] for name in _TIER}))


def emit_reissued(connection: sa.Connection, vouchers: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
    """Note vouchers that went to another member: cancelled there, issued here."""
    if told := outbox():
        pairs = [pair for old, new in vouchers for pair in ((old, "cancelled"), (new, "issued"))]
        events = [NewEvent(one["member_id"], "voucher", _json(voucher_data(one, change))) for one, change in pairs]
        store.append(connection, events, told)


def voucher_data(voucher: Mapping[str, Any], change: str) -> dict[str, Any]:
    """Return what is told of a voucher; its code, with which anybody could use it, is not."""
    return {"change": change} | {name: voucher[name] for name in _VOUCHER}


def _json(data: Mapping[str, Any]) -> str:
    return _encode(data).decode()
