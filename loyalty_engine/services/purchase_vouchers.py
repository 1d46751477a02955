"""Redeems the vouchers that a till took off a purchase, in the purchase's own transaction; nothing is discounted here.

Source: docs/decisions/0026-vouchers-on-a-purchase.md. A sale that can't be booked yet uses up its vouchers all the
same: the discount was given.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import codes, voucher_states
from loyalty_engine.services.incoming import Incoming
from loyalty_engine.services.purchase_documents import decode_json, encode_json
from loyalty_engine.services.stores import place
from loyalty_engine.services.voucher_issuing import reward_of
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.vouchers import Place, Values
from rules.facts import Purchase
from rules.money import format_amount
from rules.periods import business_day
from rules.plan import Plan
from rules.rewards import Worth, used_on

UNUSABLE: Final = "voucher_unusable"
"""Why a voucher may not be used on any basket; a purchase that brings it waits for staff."""


class Redeemed(NamedTuple):
    """A voucher that a purchase redeems, and what it was worth there."""

    row: Values
    worth: Worth


class _Sale(NamedTuple):
    """What is asked of a purchase to tell whether a voucher may be used on it."""

    key: str
    day: date
    zone: ZoneInfo
    merchant_id: str | None


class Found(NamedTuple):
    """The vouchers of a purchase that are its member's and may be used on it, locked; and whether those are all."""

    redeemed: tuple[Redeemed, ...]
    are_all: bool


NONE = Found((), are_all=True)


def find(connection: sa.Connection, state: MemberState, plan: Plan, incoming: Incoming) -> Found:
    """Look the codes of a purchase up, and work out what each was worth on it."""
    if not incoming.vouchers:
        return NONE
    sale, wanted, now = _sale(connection, plan, incoming), normal_codes(incoming.vouchers), clock.now()
    rows = [row for row in _rows(connection, wanted, state.member_id) if _fits(row, sale, now)]
    worths = used_on([reward_of(connection, row) for row in rows], incoming.purchase)
    return Found(tuple(map(Redeemed, rows, worths)), len(rows) == len(wanted))


def _sale(connection: sa.Connection, plan: Plan, incoming: Incoming) -> _Sale:
    zone, at = plan.programme.time_zone, place(connection, incoming.store)
    return _Sale(incoming.key, business_day(incoming.purchase.occurred_at, zone), zone, at.merchant_id if at else None)


def normal_codes(typed: Sequence[str]) -> list[str | None]:
    """Return the codes as they are stored, each once; None for one that can't be right."""
    return list(dict.fromkeys(map(codes.normal_voucher_code, typed)))


def _rows(connection: sa.Connection, wanted: Sequence[str | None], member_id: str | None) -> Iterator[Values]:
    """Yield the vouchers behind the codes, locked; only those of a member, where one is given."""
    for code in wanted:
        at = store.place_of(connection, code) if code else None
        if at is not None and member_id in (None, at.member_id):
            row = store.find(connection, at, locked=True)
            if row is not None:
                yield row


def is_usable(row: Values, key: str, day: date, now: datetime) -> bool:
    """Tell whether a voucher may be used on the purchase `key` of `day`; one that is bound to it already may.

    One that lapsed since then was good on the day: a till that was offline posts late.
    """
    if row["status"] == "redeemed":
        return purchase_of(row) == key
    if row["valid_through"] is not None and row["valid_through"] < day:
        return False
    if row["status"] == "held":
        return row["held_until"] <= now or purchase_of(row) in (None, key)
    return row["status"] in ("issued", "expired")


def _fits(row: Values, sale: _Sale, now: datetime) -> bool:
    return is_usable(row, sale.key, sale.day, now) or _is_still_open(row, sale)


def _is_still_open(row: Values, sale: _Sale) -> bool:
    """Tell whether a voucher was redeemed without a purchase, by the purchase's merchant on its day: it may name it still."""
    if row["status"] != "redeemed" or purchase_of(row) is not None or not row["lines"]:
        return False
    merchant_id = decode_json(row["lines"]).get("merchant")
    return merchant_id == sale.merchant_id and business_day(row["redeemed_at"], sale.zone) == sale.day


def purchase_of(row: Values) -> str | None:
    """Return the key of the purchase that a voucher is held for, or was redeemed on; None where none was named."""
    return decode_json(row["lines"])["purchase"] if row["lines"] else None


def lines_of(row: Values) -> dict[str, int]:
    """Return the lines that a redeemed voucher touched, and what it was worth on each."""
    found: dict[str, int] = decode_json(row["lines"]).get("off", {}) if row["lines"] else {}
    return found


def for_purchase(key: str | None, off: Worth | None = None) -> str | None:
    """Return what is kept of the purchase that a voucher is held for or redeemed on."""
    if key is None:
        return None
    return encode_json({"purchase": key} | ({"off": dict(off.lines)} if off else {}))


def without_purchase(merchant_id: str | None) -> str | None:
    """Return what is kept of a voucher that a merchant redeems without saying for which purchase."""
    return encode_json({"purchase": None, "merchant": merchant_id}) if merchant_id else None


def bind(connection: sa.Connection, found: Found, key: str, posting_id: str, at: datetime) -> None:
    """Redeem the vouchers on a purchase that is written."""
    for row, worth in found.redeemed:
        values = {
            "status": "redeemed",
            "held_until": None,
            "posting_id": posting_id,
            "lines": for_purchase(key, worth),
            "worth_minor": worth.minor,
            "redeemed_at": row["redeemed_at"] or at,
            "ended_at": None,
        }
        changed = voucher_states.change(connection, place_in(row), (row["status"],), values)
        assert changed, "the voucher is locked"


def use_up(connection: sa.Connection, plan: Plan, incoming: Incoming, member_id: str | None) -> list[Values]:
    """Redeem the vouchers of a purchase that is parked, for whoever it turns out to be; a known member's own only.

    Return those that this used up.
    """
    used: list[Values] = []
    if not incoming.vouchers:
        return used
    sale, now, kept = _sale(connection, plan, incoming), clock.now(), for_purchase(incoming.key)
    for row in _rows(connection, normal_codes(incoming.vouchers), member_id):
        if _is_still_open(row, sale):
            store.change(connection, place_in(row), ("redeemed",), lines=kept)
        elif row["status"] != "redeemed" and is_usable(row, incoming.key, sale.day, now):
            values = {"status": "redeemed", "held_until": None, "lines": kept, "redeemed_at": now, "ended_at": None}
            if voucher_states.change(connection, place_in(row), (row["status"],), values):
                used.append(row)
    return used


def place_in(row: Values) -> Place:
    """Return where a voucher is stored."""
    return Place(row["member_id"], row["voucher_id"])


def words(found: Found, purchase: Purchase) -> list[dict[str, Any]]:
    """Return what a till is told of the vouchers that its purchase redeemed."""
    return [
        {
            "code": row["code"],
            "reward": row["reward"],
            "worth": format_amount(worth.minor, purchase.currency),
            "lines": [
                {"line_id": line, "off": format_amount(off, purchase.currency)} for line, off in worth.lines.items()
            ],
        }
        for row, worth in found.redeemed
    ]
