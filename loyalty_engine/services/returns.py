"""Takes returns: at any till of the merchant, in any order and split, also before the purchase itself has come.

Source: PROGRAMME.md, Returns; RELIABILITY.md, 5 and 6.
"""

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import waiting
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.intake import ReturnRequest
from loyalty_engine.services.lookup import stored
from loyalty_engine.services.purchase_documents import stored_receipt
from loyalty_engine.services.reversals import Returned, book_return
from loyalty_engine.services.sites import site_of
from loyalty_engine.services.waiting import Shown
from loyalty_engine.store import purchase_keys
from loyalty_engine.store.purchase_keys import WAITING, KeyRow
from rules.errors import NotFound


def take_in(connection: sa.Connection, actor: Actor, request: ReturnRequest) -> Answer:
    """Take one return: 201 and what it took back, 200 for a repetition, 202 where it waits for its purchase.

    Raises `Invalid` for more than is left, and `NotFound` for another store's purchase whose receipt is not presented.
    """
    site = site_of(connection, actor, request.store)
    named = purchase_keys.purchase_key(site.store, request.purchase_id)
    key, row = _locked(connection, named)
    at = request.occurred_at or clock.now()
    returned = Returned(request.purchase_id, request.return_reference, request.units, at)
    elsewhere = actor.role == "terminal" and site.store != actor.store_id
    shown = _shown(request) if elsewhere else None
    if row.member_id is None or row.posting_id is None:
        missing = "The purchase has not come yet" if row.fingerprint == WAITING else "The purchase is not booked yet"
        return waiting.keep(connection, key, returned, shown, f"{missing}; the return is booked when it is.")
    if elsewhere and stored_receipt(stored(connection, row)["facts"]) != shown:
        raise _no_such_receipt(request)
    return book_return(connection, actor, row.member_id, row.posting_id, returned)


def _locked(connection: sa.Connection, key: str) -> tuple[str, KeyRow]:
    """Lock the purchase's look-up row, making one for a purchase that nobody has seen; return it with the key that it has.

    Where the number is another one of the purchase, which is seen only once its own row is held, that one is locked too.
    """
    purchase_keys.claim_key(connection, key, KeyRow(WAITING, None, None))
    row = purchase_keys.find(connection, key, locked=True)
    assert row is not None, "the key was made just now, where it was not there"
    first = purchase_keys.first_key(connection, key) if row.fingerprint == WAITING else key
    return (key, row) if first == key else _locked(connection, first)


def _shown(request: ReturnRequest) -> Shown:
    if request.receipt is None:
        raise _no_such_receipt(request)
    return request.receipt.number, request.receipt.business_day.isoformat()


def _no_such_receipt(request: ReturnRequest) -> NotFound:
    return NotFound(
        "receipt_not_found",
        f"Store {request.store} has no purchase {request.purchase_id} with that receipt;"
        " another store's purchase is returned with its receipt's number and business day.",
    )
