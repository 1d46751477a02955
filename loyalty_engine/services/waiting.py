"""Returns that came before their purchase could take them: kept, and booked in the order in which they came."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.lookup import stored
from loyalty_engine.services.purchase_answers import waiting_answer
from loyalty_engine.services.purchase_documents import decode_json, encode_json, stored_receipt
from loyalty_engine.services.reversals import Returned, another_return, book_return
from loyalty_engine.store import purchase_keys
from loyalty_engine.store.purchase_keys import KeyRow
from rules.errors import Conflict, NotFound, Refusal

Shown = tuple[str, str]
"""The number and the business day of a receipt."""

KEPT_FOR: Final = timedelta(days=30)
"""How long a return waits for its purchase (PROGRAMME.md, Returns)."""


def keep(connection: sa.Connection, key: str, returned: Returned, shown: Shown | None, detail: str) -> Answer:
    """Keep a return until its purchase can take it: 202, also for a repetition.

    `shown` is the receipt that must turn out to be the purchase's. Raises `Invalid` for another return of the same
    reference.
    """
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


def _check_same(connection: sa.Connection, key: str, returned: Returned) -> None:
    for values in purchase_keys.waiting(connection, key):
        if values["return_reference"] == returned.reference and _returned(values).fingerprint != returned.fingerprint:
            raise another_return(returned.reference)


def apply(connection: sa.Connection, actor: Actor, key: str, arrived_at: datetime) -> None:
    """Book the returns that waited for a purchase that is booked now; `arrived_at` is when it came itself.

    One that does not fit the purchase, or waited too long for it, is not booked, which the audit log says; the purchase
    stands all the same.
    """
    row = purchase_keys.find(connection, key)
    assert row is not None, "the purchase is booked"
    for values in purchase_keys.waiting(connection, key):
        try:
            _apply(connection, actor, row, values, arrived_at)
        except Refusal as refusal:
            detail = {"return_reference": values["return_reference"], "code": refusal.code}
            audit_log.record(connection, actor, "waiting_return_refused", key, detail)
    purchase_keys.drop_waiting(connection, key)


def _apply(
    connection: sa.Connection, actor: Actor, row: KeyRow, values: purchase_keys.Values, arrived_at: datetime
) -> None:
    assert row.member_id is not None, "the purchase is booked"
    assert row.posting_id is not None, "the purchase is booked"
    if values["expires_at"] <= arrived_at:
        raise Conflict("waited_too_long", f"The purchase came more than {KEPT_FOR.days} days after its return.")
    shown = decode_json(values["request"])["shown"]
    if shown is not None and tuple(shown) != stored_receipt(stored(connection, row)["facts"]):
        raise NotFound("receipt_not_found", "The return was made with another receipt.")
    book_return(connection, actor, row.member_id, row.posting_id, _returned(values))


def _returned(values: purchase_keys.Values) -> Returned:
    request = decode_json(values["request"])
    at = datetime.fromisoformat(request["at"])
    return Returned(request["purchase_id"], values["return_reference"], request["units"], at)
