"""What makes a purchase one purchase: its number and its receipt; and what it is told when it comes again."""

from dataclasses import dataclass

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import waiting
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.lookup import stored_answer
from loyalty_engine.store import purchase_keys
from loyalty_engine.store.purchase_keys import WAITING, KeyRow
from rules.errors import Invalid


@dataclass(frozen=True, slots=True)
class Known:
    """The purchase that has a number or a receipt already."""

    key: str
    row: KeyRow

    @property
    def waits(self) -> bool:
        """Only a return that came first is known of it."""
        return self.row.fingerprint == WAITING


def take_keys(connection: sa.Connection, key: str, receipt_key: str | None, row: KeyRow) -> Known | None:
    """Take a purchase's receipt and number for `row`; return who has one of them already, or None.

    The number of a purchase that is only known by a return that came first is taken over, and its row returned.
    """
    if receipt_key is not None and not purchase_keys.claim_receipt(connection, receipt_key, key):
        first = purchase_keys.purchase_of_receipt(connection, receipt_key)
        assert first is not None, "a receipt that is taken names its purchase"
        return _known(connection, first)
    if purchase_keys.claim_key(connection, key, row):
        return None
    known = _known(connection, key)
    if known.waits:
        purchase_keys.move_key(connection, key, row)
    elif receipt_key is not None:
        # A batch goes on after a refusal: the receipt is still free for the sale that it was printed for.
        purchase_keys.release_receipt(connection, receipt_key)
    return known


def _known(connection: sa.Connection, key: str) -> Known:
    row = purchase_keys.find(connection, key, locked=True)
    assert row is not None, "a key that is taken has its row"
    return Known(key, row)


def answer(connection: sa.Connection, actor: Actor, known: Known, row: KeyRow, key: str) -> Answer:
    """Answer a purchase whose number or receipt is taken: the first answer for the same one, `Invalid` for another.

    The number of a repetition that its receipt gave away leads to the purchase from now on, for returns.
    """
    if known.row.fingerprint != row.fingerprint:
        raise _differs(key)
    told = stored_answer(connection, known.key, known.row)
    if known.key != key:
        _lead(connection, actor, key, known)
    return told


def _differs(key: str) -> Invalid:
    return Invalid(
        "purchase_differs",
        f"Purchase {key.partition('/')[2]}, or its receipt, was posted before with other content; nothing was changed.",
        {"purchase_id": ["give a new sale its own number and receipt; send a repetition unchanged"]},
    )


def _lead(connection: sa.Connection, actor: Actor, key: str, known: Known) -> None:
    """Let a number that nobody has lead to a purchase, and bring the returns along that came for it under this number.

    Raises `Invalid` for the number of another purchase.
    """
    purchase_keys.claim_key(connection, key, KeyRow(WAITING, None, None))
    if not _known(connection, key).waits:
        raise _differs(key)
    purchase_keys.add_alias(connection, key, known.key)
    if purchase_keys.move_waiting(connection, key, known.key) and known.row.posting_id is not None:
        waiting.book(connection, actor, known.key, clock.now())
