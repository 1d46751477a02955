"""The audit finds nothing in the vouchers that services wrote, and names what somebody else changed of them."""

from functools import partial

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine.services.auditing import audit
from loyalty_engine.services.voucher_cancelling import cancel_in
from loyalty_engine.store.session import db, in_transaction
from tests.builders import STAFF
from tests.conftest import FrozenClock
from tests.ledger import REWARDED, assert_clean, line, open_shop, post, redeem_reward, sold, voucher_codes
from tests.services.test_audit import broken, change


def build() -> None:
    """Vouchers of each kind and state: bought, of a level, given, automatic; used, cancelled."""
    ann, ben = open_shop(REWARDED, 2)
    for number, member in enumerate((ann, ben)):
        post(sold(f"rich-{number}", member, line(amount=30_000, category="cake")))
        post(sold(f"cups-{number}", member, line(quantity=5)))
        redeem_reward(member, "five-off")
        redeem_reward(member, "cake")
    redeem_reward(ann, "cake", "the coffee was cold", STAFF)
    in_transaction(
        partial(cancel_in, actor=STAFF, code=redeem_reward(ben, "five-off")["voucher"]["code"], reason="why")
    )
    post(sold("used", ann, vouchers=tuple(voucher_codes(ann)[:2])))


BREAKS = {
    "a code is free again": ("DELETE FROM voucher_codes WHERE code = (SELECT MAX(code) FROM voucher_codes)", 5, "voucher_codes"),
    "a code leads to another voucher": ("UPDATE voucher_codes SET voucher_id = 'x'", 5, "voucher_codes"),
    "a code is nobody's": ("INSERT INTO voucher_codes VALUES ('0', 'm', 'v')", 5, "voucher_codes"),
    "a voucher is deleted": ("DELETE FROM vouchers WHERE source_kind = 'gift'", 5, "voucher_codes"),
    "stock is there again": ("UPDATE reward_stock SET issued = issued - 1 WHERE reward_id = 'five-off'", 6, "reward_stock"),
    "stock is gone": ("UPDATE reward_stock SET issued = issued + 1 WHERE reward_id = 'cake'", 6, "reward_stock"),
    "stock is counted of what has none": ("INSERT INTO reward_stock VALUES ('tenth-off', 1)", 6, "reward_stock"),
    "a limit has room again": ("UPDATE limit_uses SET used = 0 WHERE limit_id LIKE 'reward/%'", 6, "limit_uses"),
    "a benefit can be had again": ("DELETE FROM limit_uses WHERE limit_id LIKE 'benefit/%'", 6, "limit_uses"),
    "a limit was used by nobody": ("INSERT INTO limit_uses SELECT member_id, 'reward/x/day', '2026-11-22', 1 FROM members LIMIT 1", 6, "limit_uses"),
    "the goods came back, and the voucher didn't": ("UPDATE purchases SET left_units = '{\"1\":0}' WHERE purchase_key = 's-1/used'", 6, "vouchers"),
    "a cancelled voucher is issued again": ("UPDATE vouchers SET status = 'issued', ended_at = NULL WHERE status = 'cancelled'", 6, "reward_stock"),
    "a limit is used less than never": ("UPDATE limit_uses SET used = -1 WHERE limit_id LIKE 'reward/%'", 12, "limit_uses"),
    "an automatic voucher is gone": ("DELETE FROM vouchers WHERE source_kind = 'automatic'", 7, "vouchers"),
    "an automatic voucher cost nothing": ("UPDATE vouchers SET source_id = 'sixth-cup/999' WHERE source_kind = 'automatic'", 7, "vouchers"),
    "a bought voucher is another reward's": ("UPDATE vouchers SET reward = 'tenth-off' WHERE source_kind = 'redemption'", 7, "redemptions"),
    "a bought voucher is gone": ("DELETE FROM vouchers WHERE source_kind = 'redemption'", 7, "redemptions"),
    "a used voucher is issued": ("UPDATE vouchers SET status = 'issued' WHERE status = 'redeemed'", 9, "vouchers"),
    "a voucher was used at no time": ("UPDATE vouchers SET redeemed_at = NULL WHERE status = 'redeemed'", 9, "vouchers"),
    "a voucher is held for ever": ("UPDATE vouchers SET status = 'held' WHERE status = 'issued'", 9, "vouchers"),
    "a voucher was cancelled for no reason": ("UPDATE vouchers SET reason = NULL WHERE status = 'cancelled'", 9, "vouchers"),
    "a voucher is worth less than nothing": ("UPDATE vouchers SET worth_minor = -1 WHERE worth_minor IS NOT NULL", 9, "vouchers"),
    "a voucher names no version": ("UPDATE vouchers SET version = 9 WHERE source_kind = 'gift'", 11, "vouchers"),
    "a voucher names no reward": ("UPDATE vouchers SET reward = 'x' WHERE source_kind = 'gift'", 11, "vouchers"),
    "a reason has a mail address": ("UPDATE vouchers SET reason = 'for li.wei@example.com' WHERE source_kind = 'gift'", 13, "vouchers"),
}  # fmt: skip


def test_nothing_is_found_in_the_vouchers_that_services_wrote(app: Flask, frozen_clock: FrozenClock) -> None:
    build()
    assert_clean()
    assert audit().looked_at["vouchers"] == 8


@pytest.mark.parametrize("name", BREAKS)
def test_what_was_changed_of_vouchers_by_hand_is_named(breakable: None, name: str) -> None:
    statement, invariant, table = BREAKS[name]
    change(statement)
    assert (invariant, table) in broken(audit())


def test_postgresql_names_the_same_of_vouchers(postgresql_application: Flask, frozen_clock: FrozenClock) -> None:
    chosen = [
        one for one in BREAKS.values() if one[0].startswith("UPDATE") and "-1" not in one[0] and "'x'" not in one[0]
    ]
    with postgresql_application.app_context():
        # All at once would hide some from the audit.
        for some in (chosen[:3], chosen[3:]):
            build()
            assert_clean()
            with db.engine.begin() as connection:
                for statement, _, _ in some:
                    connection.execute(sa.text(statement))
            assert broken(audit()) >= {(invariant, table) for _, invariant, table in some}
