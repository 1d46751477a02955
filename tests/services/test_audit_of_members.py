"""The audit names what somebody changed of events, adjustments and merges, and finds nothing in what services wrote."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import adjustments, events, merging
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.auditing import audit
from loyalty_engine.store.session import db
from rules.events import Event
from tests.builders import STAFF
from tests.conftest import NOON, FrozenClock
from tests.ledger import TEA_CLUB, assert_clean, line, open_shop, post, sold, spend, take_return
from tests.services.test_audit import broken, change

WITH_EVENTS = TEA_CLUB + (
    "events:\n  - {id: review, event: review, wallet: leaves, points: 30, once_per: [sku], cap: {per: year, points: 90}}\n"
)


def build() -> None:
    """Two merges in a row, of members with purchases, a return, a debt, events and adjustments; and one by itself."""
    ann, ben, cleo = open_shop(WITH_EVENTS)
    post(sold("p1", ann, line(), line("2", 3, 4_500, "cake")))
    post(sold("p2", ben))
    spend(ben, "leaves", 150)
    take_return("p2", "x1")
    for number, (member, sku) in enumerate(((ann, "TEA"), (ann, "CUP"), (ben, "TEA"))):
        events.post(STAFF, member, Event(f"e{number}", "review", clock.now(), {"sku": sku}))
    adjustments.adjust(STAFF, cleo, Adjustment("leaves", 12, "ticket 9"))
    merging.merge(STAFF, ann, ben, "one person")
    with clock.frozen(NOON + timedelta(days=1)):
        merging.merge(STAFF, ben, cleo, "the same again")
        take_return("p1", "x2", {"1": 1})
        post(sold("p3", ann))


GONE = "member_id = (SELECT MIN(member_id) FROM members WHERE status = 'merged')"
STAYS = "member_id = (SELECT merged_into FROM members WHERE merged_into IN (SELECT member_id FROM members WHERE status = 'active'))"
IN = "kind = 'transfer_in' AND wallet = 'leaves' AND " + STAYS

BREAKS = {
    "an adjustment has no reason": ("UPDATE ledger_entries SET reason = NULL WHERE kind = 'adjustment'", 14, "ledger_entries"),
    "an adjustment has an empty reason": ("UPDATE ledger_entries SET reason = ' ' WHERE kind = 'adjustment'", 14, "ledger_entries"),
    "an adjustment has nobody": ("UPDATE ledger_entries SET actor = '' WHERE kind = 'adjustment'", 14, "ledger_entries"),
    "a transfer brings more than it took": ("UPDATE ledger_entries SET points = points + 1 WHERE " + IN, 7, "ledger_entries"),
    "a transfer brings more that waits": ("UPDATE ledger_entries SET pending = pending + 1 WHERE wallet = 'petals' AND kind = 'transfer_in'", 7, "ledger_entries"),
    "a transfer brings a longer life": ("UPDATE ledger_entries SET lifetime = lifetime + 1 WHERE " + IN, 7, "ledger_entries"),
    "a transfer arrives nowhere": ("DELETE FROM ledger_entries WHERE " + IN, 7, "ledger_entries"),
    "a transfer comes from nobody": ("UPDATE ledger_entries SET source_id = 'somebody' WHERE " + IN, 7, "ledger_entries"),
    "a merge isn't in the ledger": ("UPDATE ledger_entries SET kind = 'redemption' WHERE kind = 'transfer_out' AND " + GONE, 7, "members"),
    "who was merged has points": ("UPDATE accounts SET available = 5 WHERE wallet = 'leaves' AND " + GONE, 7, "accounts"),
    "who was merged has a debt": ("UPDATE accounts SET debt = 5 WHERE wallet = 'leaves' AND " + GONE, 7, "accounts"),
    "who was merged leads to nobody": ("UPDATE members SET merged_into = 'x' WHERE " + GONE, 7, "members"),
    "who was merged leads to itself": ("UPDATE members SET merged_into = member_id WHERE " + GONE, 7, "members"),
    "merges lead in a circle": (f"UPDATE members SET status = 'merged', merged_into = (SELECT member_id FROM members WHERE {GONE}) WHERE status = 'active'", 7, "members"),
    "a merge makes something forgiven": ("UPDATE ledger_entries SET forgiven = 1, available = available + 1 WHERE " + IN, 3, "ledger_entries"),
    "an old purchase keeps more": ("UPDATE purchases SET kept = granted WHERE purchase_key = 's-1/p1'", 6, "purchases"),
    "an old return is deleted": ("DELETE FROM purchase_returns WHERE return_reference = 'x2'", 6, "ledger_entries"),
    "an old return's entry is changed": ("UPDATE ledger_entries SET points = points - 1, available = available - 1 WHERE source_kind = 'return' AND wallet = 'leaves' AND " + STAYS, 6, "purchases"),
    "sums are left with who was merged": (f"INSERT INTO qualifying_days SELECT member_id, 'visits', '2026-11-22', 1 FROM members WHERE {GONE}", 6, "qualifying_days"),
    "sums of who was merged are lost": ("UPDATE qualifying_days SET amount = 0 WHERE metric = 'visits' AND " + STAYS, 6, "qualifying_days"),
    "a cap forgot who was merged": ("UPDATE cap_uses SET used = 1 WHERE " + STAYS, 6, "cap_uses"),
    "purchases of who was merged aren't counted": ("UPDATE members SET purchases_count = 1 WHERE status = 'active'", 6, "members"),
    "purchases are counted twice": ("UPDATE members SET purchases_count = 1 WHERE " + GONE, 6, "members"),
    "the last purchase is left behind": ("UPDATE members SET last_purchase_on = '2026-11-22' WHERE " + GONE, 6, "members"),
    "the joint level is missed": ("UPDATE members SET level = 'plain' WHERE status = 'active'", 10, "members"),
    "an event is gone": ("DELETE FROM member_events WHERE event_id = 'e1'", 6, "ledger_entries"),
    "an event's facts are changed": ("UPDATE member_events SET facts = replace(facts, 'CUP', 'POT')", 6, "event_onces"),
    "what gives once may give again": ("DELETE FROM event_onces WHERE " + STAYS, 6, "event_onces"),
    "what never gave is used up": ("UPDATE event_onces SET once_key = once_key || 'x' WHERE " + STAYS, 6, "event_onces"),
    "an event's cap has room again": ("UPDATE limit_uses SET used = 0", 6, "limit_uses"),
    "an event's cap is used twice": (f"INSERT INTO limit_uses SELECT member_id, 'event/review/year', '2026-01-01', 30 FROM members WHERE {GONE}", 6, "limit_uses"),
    "an event says who did it": ("UPDATE member_events SET facts = replace(facts, 'CUP', 'li@example.com')", 13, "member_events"),
    "an entry names no event": ("UPDATE ledger_entries SET source_id = 'e9/review' WHERE source_id = 'e1/review'", 6, "ledger_entries"),
    "an entry names no rule": ("UPDATE ledger_entries SET source_id = 'e1/revue' WHERE source_id = 'e1/review'", 6, "ledger_entries"),
}  # fmt: skip


def test_nothing_is_found_in_what_services_wrote(app: Flask, frozen_clock: FrozenClock) -> None:
    build()
    assert_clean()
    report = audit()
    assert (report.looked_at["members"], report.looked_at["purchases"]) == (3, 3)


@pytest.mark.parametrize("name", BREAKS)
def test_what_was_changed_by_hand_is_named(breakable: None, name: str) -> None:
    statement, invariant, table = BREAKS[name]
    change(statement)
    assert (invariant, table) in broken(audit())


def test_postgresql_names_the_same(postgresql_application: Flask, frozen_clock: FrozenClock) -> None:
    """Those that its own checks don't refuse, all at once."""
    chosen = [
        one for one in BREAKS.values() if one[2] in ("event_onces", "limit_uses", "qualifying_days") or one[1] == 14
    ]
    chosen = [one for one in chosen if one[0].startswith("UPDATE")]
    with postgresql_application.app_context():
        build()
        assert_clean()
        with db.engine.begin() as connection:
            for statement, _, _ in chosen:
                connection.execute(sa.text(statement))
        assert broken(audit()) >= {(invariant, table) for _, invariant, table in chosen}
