"""The audit finds nothing in what occasions gave, and names what somebody else changed of it."""

from datetime import date

import pytest

from loyalty_engine.services.auditing import audit
from rules.facts import Birthday
from tests.builders import publish
from tests.conftest import FrozenClock
from tests.ledger import empty
from tests.occasions import BIRTHDAY, club, join, night
from tests.services.test_audit import broken, change

GIFT = "(SELECT MIN(member_id) FROM occasions_granted)"
REST = "on_day, through, granted_at, version"
BREAKS = {
    "a gift was granted to nobody": (f"DELETE FROM occasions_granted WHERE member_id = {GIFT}", 6, "ledger_entries"),
    "a voucher was granted to nobody": (f"DELETE FROM occasions_granted WHERE member_id = {GIFT}", 6, "vouchers"),
    "a gift is of another year": ("UPDATE occasions_granted SET occurrence = 2025", 6, "ledger_entries"),
    "what was granted was not given": (
        f"INSERT INTO occasions_granted SELECT * FROM (SELECT member_id, occasion_id, 2024, {REST} FROM occasions_granted LIMIT 1)", 6, "occasions_granted"),
    "a gift is no occasion's": ("UPDATE ledger_entries SET source_kind = 'event' WHERE kind = 'gift'", 6, "ledger_entries"),
    "an occasion gave no gift": ("UPDATE ledger_entries SET kind = 'accrual' WHERE kind = 'gift'", 6, "ledger_entries"),
    "a span ends before it begins": ("UPDATE occasions_granted SET through = '2026-11-21'", 6, "occasions_granted"),
    "a version doesn't know what it granted": (
        "UPDATE occasions_granted SET occasion_id = 'x'", 11, "occasions_granted"),
    "a gift takes points": (
        "UPDATE ledger_entries SET points = -100, available = -100 WHERE kind = 'gift'", 7, "ledger_entries"),
}  # fmt: skip


def build() -> None:
    """Two members who were given something on their birthdays."""
    empty()
    publish(club(BIRTHDAY))
    for _ in range(2):
        join(date(2020, 5, 1), Birthday(11, 22))
    night(date(2026, 11, 22))


@pytest.mark.parametrize("name", BREAKS)
def test_whatever_is_broken_is_found(breakable: None, frozen_clock: FrozenClock, name: str) -> None:
    statement, invariant, table = BREAKS[name]
    change(statement)
    assert (invariant, table) in broken(audit())
