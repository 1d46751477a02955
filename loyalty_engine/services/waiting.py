"""Returns that came before their purchase could take them: kept, and booked in the order in which they came."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.purchase_answers import waiting_answer
from loyalty_engine.services.purchase_documents import decode_json, encode_json
from loyalty_engine.services.reversals import Returned, book_return
from loyalty_engine.store import purchase_keys
from rules.errors import Refusal

KEPT_FOR: Final = timedelta(days=30)
"""How long a return waits for its purchase (PROGRAMME.md, Returns)."""


def keep(connection: sa.Connection, key: str, returned: Returned, detail: str) -> Answer:
    """Keep a return until its purchase can take it: 202, also for a repetition."""
    now = clock.now()
    request = {"purchase_id": returned.purchase_id, "units": returned.units, "at": returned.occurred_at.isoformat()}
    values = {
        "purchase_key": key,
        "return_reference": returned.reference,
        "request": encode_json(request),
        "received_at": now,
        "expires_at": now + KEPT_FOR,
    }
    new = purchase_keys.keep_waiting(connection, values)
    return Answer(202, waiting_answer(returned.purchase_id, returned.reference, detail), replayed=not new)


def apply(connection: sa.Connection, actor: Actor, key: str) -> None:
    """Book the returns that waited for a purchase that is booked now.

    One that does not fit the purchase is not booked, which the audit log says; the purchase stands all the same.
    """
    row = purchase_keys.find(connection, key)
    assert row is not None and row.member_id is not None and row.posting_id is not None, "the purchase is booked"
    for values in purchase_keys.waiting(connection, key):
        if values["expires_at"] <= clock.now():
            continue
        try:
            book_return(connection, actor, row.member_id, row.posting_id, _returned(values))
        except Refusal as refusal:
            detail = {"return_reference": values["return_reference"], "code": refusal.code}
            audit_log.record(connection, actor, "waiting_return_refused", key, detail)
    purchase_keys.drop_waiting(connection, key)


def _returned(values: purchase_keys.Values) -> Returned:
    request = decode_json(values["request"])
    at = datetime.fromisoformat(request["at"])
    return Returned(request["purchase_id"], values["return_reference"], request["units"], at)
