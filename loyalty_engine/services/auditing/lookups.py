"""Whether each purchase's number leads to it and nowhere else: two sorted lists are read side by side."""

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services.auditing.report import Progress, Report, Rule
from loyalty_engine.store.audits import rows
from loyalty_engine.store.purchase_keys import WAITING
from loyalty_engine.store.tables import purchase_keys

_ASTRAY: Final = Rule(5, "purchase_keys", "a purchase's number leads to the purchase")
_MISSING: Final = Rule(5, "purchase_keys", "every purchase's number is taken")
_NOWHERE: Final = Rule(5, "purchase_keys", "a number that is taken leads to a purchase, or waits for one")


def look(connection: sa.Connection, report: Report, progress: Progress) -> None:
    """Note numbers that lead astray, and purchases whose number is free."""
    total = report.looked_at["purchase numbers"] = rows.count(connection, purchase_keys)
    with progress("purchase numbers", total) as advance:
        there = _Sorted(rows.keyed(connection))
        for key, fingerprint, member_id, posting_id in rows.keys(connection):
            for missing in there.before(key):
                report.note(_MISSING, {"purchase_key": missing.purchase_key}, None, {"member_id": missing.member_id})
            _look_at(report, key, fingerprint == WAITING, (member_id, posting_id), list(there.at(key)))
            advance(1)
        for missing in there.rest():
            report.note(_MISSING, {"purchase_key": missing.purchase_key}, None, {"member_id": missing.member_id})


def _look_at(report: Report, key: str, waits: bool, leads_to: tuple[str | None, str | None], found: list[Any]) -> None:
    places = [(one.member_id, one.posting_id) for one in found]
    said = dict(zip(("member_id", "posting_id"), leads_to, strict=True))
    if not places:
        if not waits or leads_to != (None, None):
            report.note(_NOWHERE, {"purchase_key": key}, said)
    elif waits or leads_to not in places:
        report.note(
            _ASTRAY, {"purchase_key": key}, said, dict(zip(("member_id", "posting_id"), places[0], strict=True))
        )


class _Sorted:
    """Rows in the order of their purchase keys, taken from the front."""

    def __init__(self, given: Iterator[Any]) -> None:
        self._given = given
        self._next = next(given, None)

    def _take(self) -> Any:
        taken, self._next = self._next, next(self._given, None)
        return taken

    def before(self, key: str) -> Iterator[Any]:
        while self._next is not None and self._next.purchase_key < key:
            yield self._take()

    def at(self, key: str) -> Iterator[Any]:
        while self._next is not None and self._next.purchase_key == key:
            yield self._take()

    def rest(self) -> Iterator[Any]:
        while self._next is not None:
            yield self._take()
