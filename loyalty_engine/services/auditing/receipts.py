"""Whether every receipt leads to its purchase and every purchase has its receipt, without remembering either.

Both sides are added up by hash, in whatever order they come; only where the sums differ are they gone through again to
name what is missing.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from loyalty_engine.services.auditing.report import Report, Rule
from loyalty_engine.services.purchase_documents import stored_receipt
from loyalty_engine.store.audits import rows

_LOST: Final = Rule(5, "receipts", "every purchase with a receipt has taken it")
_DANGLING: Final = Rule(5, "receipts", "a receipt leads to a purchase that was posted with it")

_MODULUS: Final = 1 << 128
Printed = tuple[str, str, str]
"""The purchase's key, and the number and the day that its receipt bears."""


class Receipts:
    """The sum of what purchases say about their receipts."""

    def __init__(self) -> None:
        self._sum = 0

    def bought(self, key: str, facts: str) -> None:
        """Add a purchase."""
        receipt = _printed(facts)
        if receipt is not None:
            self._sum = (self._sum + _hash(key, *receipt)) % _MODULUS

    def compare(self, connection: sa.Connection, report: Report) -> None:
        """Note receipts without their purchase, and purchases without their receipt."""
        for key, facts in rows.parked_facts(connection):
            self.bought(key, facts)
        taken = report.looked_at["receipts"] = 0
        for receipt_key, purchase_key in rows.receipts_taken(connection):
            report.looked_at["receipts"] += 1
            taken = (taken + _hash(*_said(receipt_key, purchase_key))) % _MODULUS
        if taken != self._sum:
            _name(connection, report)


def _hash(*parts: str) -> int:
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=16).digest(), "big")


def _printed(facts: str) -> tuple[str, str] | None:
    if '"receipt"' not in facts:
        return None
    try:
        return stored_receipt(facts)
    except (msgspec.DecodeError, KeyError, TypeError):
        return None


def _said(receipt_key: str, purchase_key: str) -> Printed:
    """Split merchant, terminal, day and number."""
    _, _, day, number = (receipt_key.split("|", 3) + [""] * 4)[:4]
    return purchase_key, number, day


def _name(connection: sa.Connection, report: Report) -> None:
    missing = set(_all_printed(connection))
    for receipt_key, purchase_key in rows.receipts_taken(connection):
        said = _said(receipt_key, purchase_key)
        if said in missing:
            missing.discard(said)
        else:
            report.note(_DANGLING, {"receipt_key": receipt_key}, {"purchase_key": purchase_key})
    for key, number, day in sorted(missing):
        report.note(_LOST, {"purchase_key": key}, None, {"number": number, "business_day": day})


def _all_printed(connection: sa.Connection) -> Iterator[Printed]:
    sources: tuple[Iterator[Any], ...] = (rows.posted_facts(connection), rows.parked_facts(connection))
    for source in sources:
        for key, facts in source:
            receipt = _printed(facts)
            if receipt is not None:
                yield key, *receipt
