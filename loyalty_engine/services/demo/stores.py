"""The grocer's stores, with one terminal each."""

from collections.abc import Sequence

from loyalty_engine.services.demo.calendar import SHOP_ZONE
from loyalty_engine.services.demo.completejourney import terminal_of
from loyalty_engine.services.demo.grocer import Year
from loyalty_engine.services.imports.records import NewStore


def stores(year: Year) -> Sequence[NewStore]:
    """Return the stores that sold something, by number."""
    return [
        NewStore(str(number), f"Store {number}", (terminal_of(number),), SHOP_ZONE.key)
        for number in sorted(set(year.heads.stores))
    ]
