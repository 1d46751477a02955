"""The audit names what somebody changed of redemptions, of what is held, and of what came back."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import redemptions
from loyalty_engine.services.auditing import audit
from loyalty_engine.store.session import db
from tests.conftest import NOON, FrozenClock
from tests.ledger import (
    MONEY,
    assert_clean,
    capture,
    hold,
    line,
    move,
    open_shop,
    paid_with,
    post,
    redeem,
    release,
    said,
    sold,
    take_return,
)
from tests.services.test_audit import broken, change


def build() -> None:
    """Redemptions of every kind and end; two purchases that were paid in points, one of them moved and half returned."""
    ann, ben, _ = open_shop(MONEY)
    for number, member in enumerate((ann, ben)):
        post(sold(f"first-{number}", member, line(amount=40_000, category="cake")))
    release(hold(ann, 10))
    hold(ann, 15)
    with clock.frozen(NOON + timedelta(minutes=20)):
        assert redemptions.time_out_holds(clock.now(), 10) == 1
    capture(hold(ann, 50), 20)
    hold(ann, 25)
    redeem(ann, 30)
    spent = said(redeem(ann, 100))["redemption_id"]
    post(paid_with(sold("paid", ann, line(amount=400)), (100, spent)))
    take_return("paid", "x1", {"1": 1})
    theirs = hold(ben, 40)
    post(paid_with(sold("moved", ben, line(amount=400)), (40, theirs)))
    move("moved", ann)
    take_return("moved", "x2", {"1": 1})


HELD = "status = 'held'"
PAID = "redemption_id = (SELECT MAX(redemption_id) FROM redemptions WHERE posting_id IS NOT NULL AND points = 100)"
MOVED = "redemption_id = (SELECT MAX(redemption_id) FROM redemptions WHERE posting_id IS NOT NULL AND points = 40)"
OF_PAID = PAID.replace("redemption_id =", "source_id =", 1)

BREAKS = {
    "an open hold is of more": (f"UPDATE redemptions SET points = 26 WHERE {HELD}", {(2, "accounts"), (9, "redemptions")}),
    "an open hold is gone": (f"DELETE FROM redemptions WHERE {HELD}", {(2, "accounts"), (9, "redemptions"), (9, "redemption_keys")}),
    "a lot holds less": ("UPDATE lots SET held = held - 1 WHERE held > 0", {(2, "lots")}),
    "a lot's change holds less": ("UPDATE lot_changes SET held = held - 1 WHERE held > 0", {(2, "lots")}),
    "a hold is said to be released": (f"UPDATE redemptions SET status = 'released' WHERE {HELD}", {(2, "accounts"), (9, "redemptions")}),
    "a released hold is open again": (
        "UPDATE redemptions SET status = 'held' WHERE status = 'released'", {(2, "accounts"), (9, "redemptions")}),
    "a hold that timed out was captured": (
        "UPDATE redemptions SET status = 'captured', captured = points WHERE status = 'timed_out'", {(9, "redemptions")}),
    "a hold ends twice": (
        "UPDATE ledger_entries SET source_kind = 'timeout' WHERE source_kind = 'hold' AND seq = (SELECT MAX(held_seq) FROM redemptions)",
        {(9, "redemptions")}),
    "more is captured than is booked": ("UPDATE redemptions SET captured = 25 WHERE captured = 20", {(9, "redemptions")}),
    "a capture is of no redemption": (
        "UPDATE ledger_entries SET source_id = 'none' WHERE source_kind = 'capture'", {(9, "redemptions")}),
    "what was spent is of no redemption": (
        "UPDATE ledger_entries SET source_id = source_id || 'x' WHERE source_kind = 'redemption'", {(9, "redemptions")}),
    "a hold has no end": (f"UPDATE redemptions SET expires_at = NULL WHERE {HELD}", {(9, "redemptions")}),
    "a released hold paid a purchase": (
        "UPDATE redemptions SET posting_id = (SELECT posting_id FROM purchases) WHERE status = 'released'", {(9, "redemptions")}),
    "a redemption's id leads nowhere": ("DELETE FROM redemption_keys", {(9, "redemption_keys")}),
    "a redemption's id leads to another member": (
        f"UPDATE redemption_keys SET member_id = (SELECT MAX(member_id) FROM members) WHERE {PAID}", {(9, "redemption_keys")}),
    "more came back than is booked": (f"UPDATE redemptions SET restored = 51 WHERE {PAID}", {(6, "redemptions")}),
    "nothing came back": (f"UPDATE redemptions SET restored = 0 WHERE {PAID}", {(6, "redemptions")}),
    "more came back of a purchase that moved": (f"UPDATE redemptions SET restored = 21 WHERE {MOVED}", {(6, "redemptions")}),
    "what came back is booked as something else": (
        "UPDATE ledger_entries SET kind = 'adjustment' WHERE kind = 'restoration'", {(6, "redemptions")}),
    "what came back is bound to no purchase": (f"UPDATE redemptions SET posting_id = NULL WHERE {PAID}", {(6, "redemptions")}),
    "it is bound to another purchase": (
        "UPDATE redemptions SET posting_id = (SELECT MIN(posting_id) FROM purchases) WHERE points = 30", {(6, "redemptions")}),
    "the purchase is whole again": ("UPDATE purchases SET left_units = NULL WHERE purchase_key = 's-1/paid'", {(6, "redemptions"), (6, "purchases")}),
}  # fmt: skip


def test_nothing_is_found_in_what_services_wrote(app: Flask, frozen_clock: FrozenClock) -> None:
    build()
    report = audit()
    assert report.clean, report.as_json()
    assert report.looked_at["redemptions"] == 7


@pytest.mark.parametrize("name", BREAKS)
def test_what_was_changed_by_hand_is_named(breakable: None, name: str) -> None:
    statement, expected = BREAKS[name]
    change(statement)
    found = broken(audit())
    assert expected <= found, found


def test_postgresql_names_the_same(postgresql_application: Flask, frozen_clock: FrozenClock) -> None:
    chosen = [
        "an open hold is of more",
        "a hold has no end",
        "a redemption's id leads nowhere",
        "more came back of a purchase that moved",
    ]
    with postgresql_application.app_context():
        for name in chosen:
            build()
            assert_clean()
            statement, expected = BREAKS[name]
            with db.engine.begin() as connection:
                connection.execute(sa.text(statement.replace("MAX(redemption_id)", "MAX(redemption_id::text)::uuid")))
            assert expected <= broken(audit()), name
