"""CDNOW's purchases of 1997 and 1998, the import path's real input: no purchase ids, and rows that equal each other."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from loyalty_engine.services.demo.files import data_file
from loyalty_engine.services.imports.identity import file_hash, row_id
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from rules.facts import Line, Purchase
from rules.money import parse_amount

CURRENCY: Final = "USD"
STORE: Final = "cdnow"
_ZONE: Final = ZoneInfo("America/New_York")
_NOON: Final = time(12)
"""The file knows days only; noon is that day in the shop's zone, and in UTC too."""


def cdnow_file() -> Path:
    """Return where the installed package keeps the file."""
    return data_file("lifetimes", "CDNOW_master.txt")


def purchases(path: Path, member_of: Callable[[str], MemberReference | None]) -> Iterator[PostedPurchase]:
    """Yield a purchase for each row, in the order of the file: one line with the units and the dollars.

    255 rows equal another one, and are purchases all the same: what tells rows apart is the file's hash and the row's
    number. 80 rows cost nothing.
    """
    source = file_hash(path)
    with path.open(encoding="ascii") as file:
        for number, text in enumerate(islice(file, 1, None), start=1):
            customer, day, units, dollars = text.split()
            yield PostedPurchase(
                purchase_id=row_id(source, number),
                store=STORE,
                terminal=None,
                member=member_of(customer),
                receipt=None,
                purchase=_purchase(date.fromisoformat(day), int(units), parse_amount(dollars, CURRENCY)),
            )


def _purchase(day: date, units: int, amount_minor: int) -> Purchase:
    occurred_at = datetime.combine(day, _NOON, _ZONE).astimezone(UTC)
    return Purchase(occurred_at, (Line("1", "CD", units, amount_minor),), CURRENCY, store=STORE, channel="web")
