"""Redeems a voucher at a till, or sets it aside for a purchase that is being paid; and gives it free again."""

from datetime import date, datetime, timedelta

import msgspec
import sqlalchemy as sa

from loyalty_engine.services import redemption_messages, voucher_states, vouchers
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.parking import DETAILS
from loyalty_engine.services.purchase_vouchers import for_purchase, place_in, purchase_of, without_purchase
from loyalty_engine.services.sites import own_site
from loyalty_engine.services.vouchers import located, moment, shown, state_of
from loyalty_engine.store import member_state, purchase_keys
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.vouchers import Values
from rules.errors import Conflict

_encode = msgspec.json.Encoder().encode


def redeem_in(
    connection: sa.Connection, actor: Actor, code: str, purchase_id: str | None, store_id: str | None
) -> Answer:
    """Redeem a voucher for good, for a purchase of the till where one is named; that again gets the same answer.

    The purchase that names the voucher later finds it redeemed for itself; where none was named, one of the same merchant
    and business day does. Raises `Conflict` for one that can't be used.
    """
    key = _key(connection, actor, purchase_id, store_id)
    row, now, today = _locked(connection, code)
    if row["status"] == "redeemed" and key is not None and purchase_of(row) == key:
        return Answer(200, _encode(shown(connection, row)), replayed=True)
    _check_usable(row, key, now, today)
    lines = for_purchase(key) or without_purchase(actor.merchant_id)
    values = {"status": "redeemed", "held_until": None, "lines": lines, "redeemed_at": now}
    answer = _changed(connection, row, values)
    redemption_messages.tell_of_vouchers(connection, [row], now)
    return answer


def hold_in(
    connection: sa.Connection,
    actor: Actor,
    code: str,
    purchase_id: str | None,
    store_id: str | None,
    length: timedelta,
) -> Answer:
    """Set a voucher aside for so long; it is used by redeeming it, or by the purchase that names it."""
    key = _key(connection, actor, purchase_id, store_id)
    row, now, today = _locked(connection, code)
    _check_usable(row, key, now, today)
    return _changed(connection, row, {"status": "held", "held_until": now + length, "lines": for_purchase(key)})


def release_in(
    connection: sa.Connection, actor: Actor, code: str, purchase_id: str | None, store_id: str | None
) -> Answer:
    """Free a held voucher; one that is held for a purchase takes that purchase's number."""
    key = _key(connection, actor, purchase_id, store_id)
    row, now, today = _locked(connection, code)
    status = state_of(row, now, today)
    if status != "held":
        raise Conflict("voucher_not_held", f"The voucher is {status}; there is nothing to release.")
    if purchase_of(row) not in (None, key):
        raise _held(row)
    return _changed(connection, row, {"status": "issued", "held_until": None, "lines": None})


def _key(connection: sa.Connection, actor: Actor, purchase_id: str | None, store_id: str | None) -> str | None:
    if purchase_id is None:
        return None
    return purchase_keys.purchase_key(own_site(connection, actor, store_id).store, purchase_id)


def _locked(connection: sa.Connection, code: str) -> tuple[Values, datetime, date]:
    """Return the voucher as it is under its member's lock, with the moment at which it is looked at."""
    place = place_in(located(connection, code))
    state = member_state.lock(connection, place.member_id)
    if state.status in ("erased", "merged"):
        raise vouchers.unknown()
    if state.status != "active":
        raise Conflict(f"{state.status}_member", DETAILS[f"{state.status}_member"])
    row = store.find(connection, place, locked=True)
    assert row is not None, "no voucher is ever deleted"
    return row, *moment(connection)


def _check_usable(row: Values, key: str | None, now: datetime, today: date) -> None:
    match state_of(row, now, today):
        case "redeemed":
            said = {"code": ["ask for another voucher; this one comes back when all goods that it touched do"]}
            raise Conflict("voucher_redeemed", "The voucher was redeemed before; ask for another one.", said)
        case "expired":
            raise Conflict("voucher_expired", f"The voucher was good through {row['valid_through']}.")
        case "cancelled":
            raise Conflict("voucher_cancelled", "The voucher was cancelled; staff can say why.")
        case "held" if purchase_of(row) not in (None, key):
            raise _held(row)
        case _:
            return


def _held(row: Values) -> Conflict:
    until = row["held_until"].isoformat()
    return Conflict("voucher_held", f"Another purchase holds the voucher until {until}, or until it is released.")


def _changed(connection: sa.Connection, row: Values, values: Values) -> Answer:
    """Make the change, which one of two clients makes, and answer with the voucher as it is now."""
    changed = voucher_states.change(connection, place_in(row), (row["status"],), values)
    assert changed, "the voucher is locked"
    return Answer(200, _encode(shown(connection, row | values)))
