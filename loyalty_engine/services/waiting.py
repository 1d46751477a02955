"""Returns that came before their purchase could take them: kept, and booked in the order in which they came."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.lookup import stored
from loyalty_engine.services.purchase_answers import waiting_answer
from loyalty_engine.services.purchase_documents import decode, decode_json, encode_json, stored_receipt
from loyalty_engine.services.reversals import Returned, another_return, answer_anew, book_return
from loyalty_engine.store import purchase_keys
from rules.errors import Conflict, NotFound, Refusal
from rules.returns import everything, left_after

Shown = tuple[str, str]
"""The number and the business day of a receipt."""

KEPT_FOR: Final = timedelta(days=30)
"""How long a return waits for its purchase (PROGRAMME.md, Returns)."""


def keep(connection: sa.Connection, key: str, returned: Returned, shown: Shown | None, detail: str) -> Answer:
    """Keep a return until its purchase can take it: 202, also for a repetition.

    `shown` is the receipt that must turn out to be the purchase's. Raises `Invalid` for another return of the same
    reference, and what `fits` raises.
    """
    fits(connection, key, returned, shown)
    now = clock.now()
    request = {
        "purchase_id": returned.purchase_id,
        "units": returned.units,
        "at": returned.occurred_at.isoformat(),
        "shown": shown,
    }
    values = {
        "purchase_key": key,
        "return_reference": returned.reference,
        "request": encode_json(request),
        "received_at": now,
        "expires_at": now + KEPT_FOR,
    }
    new = purchase_keys.keep_waiting(connection, values)
    if not new:
        _check_same(connection, key, returned)
    return Answer(202, waiting_answer(returned.purchase_id, returned.reference, detail), replayed=not new)


def fits(connection: sa.Connection, key: str, returned: Returned, shown: Shown | None = None) -> None:
    """Check a return against its purchase where that is parked, so that its facts are known, and what waits for it.

    Raises `Invalid` for more than is left of it, and `NotFound` for another receipt. A repetition is not checked again.
    """
    parked = purchase_keys.parked(connection, key)
    before = purchase_keys.waiting(connection, key)
    if parked is None or any(values["return_reference"] == returned.reference for values in before):
        return
    _check_receipt(shown, parked["facts"])
    purchase = decode(parked["facts"])
    left = everything(purchase)
    for values in before:
        # One that can't be booked takes nothing away.
        with suppress(Refusal):
            _check(values, parked["facts"], parked["received_at"])
            left = left_after(purchase, left, _returned(values).units)
    left_after(purchase, left, returned.units)


def _check_same(connection: sa.Connection, key: str, returned: Returned) -> None:
    for values in purchase_keys.waiting(connection, key):
        if values["return_reference"] == returned.reference and _returned(values).fingerprint != returned.fingerprint:
            raise another_return(returned.reference)


def apply(connection: sa.Connection, actor: Actor, key: str, arrived_at: datetime) -> Answer | None:
    """Book the returns that waited for a purchase that is booked now; `arrived_at` is when it came itself.

    Returns the purchase's answer as it is after them; None where none was booked.
    """
    booked = book(connection, actor, key, arrived_at)
    return answer_anew(connection, actor, *booked) if booked else None


def book(connection: sa.Connection, actor: Actor, key: str, arrived_at: datetime) -> tuple[str, str] | None:
    """Book them, and return the member and the posting of the purchase; None where none was booked.

    One that does not fit the purchase, or waited too long for it, is not booked, which the audit log says; the purchase
    stands all the same.
    """
    row = purchase_keys.find(connection, key)
    assert row is not None and row.member_id is not None and row.posting_id is not None, "the purchase is booked"
    applied = False
    for values in purchase_keys.waiting(connection, key):
        try:
            _check(values, stored(connection, row)["facts"], arrived_at)
            book_return(connection, actor, row.member_id, row.posting_id, _returned(values))
            applied = True
        except Refusal as refusal:
            detail = {"return_reference": values["return_reference"], "code": refusal.code}
            audit_log.record(connection, actor, "waiting_return_refused", key, detail)
    purchase_keys.drop_waiting(connection, key)
    return (row.member_id, row.posting_id) if applied else None


def _check(values: purchase_keys.Values, facts: str, arrived_at: datetime) -> None:
    if values["expires_at"] <= arrived_at:
        raise Conflict("waited_too_long", f"The purchase came more than {KEPT_FOR.days} days after its return.")
    shown = decode_json(values["request"])["shown"]
    _check_receipt(None if shown is None else tuple(shown), facts)


def _check_receipt(shown: Shown | None, facts: str) -> None:
    if shown is not None and shown != stored_receipt(facts):
        raise NotFound("receipt_not_found", "The return was made with another receipt.")


def _returned(values: purchase_keys.Values) -> Returned:
    request = decode_json(values["request"])
    at = datetime.fromisoformat(request["at"])
    return Returned(request["purchase_id"], values["return_reference"], request["units"], at)
