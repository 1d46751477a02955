"""The audit finds nothing in what services wrote, and names every row that somebody else changed."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import claims
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.auditing import audit
from loyalty_engine.services.auditing.report import NAMED, Report
from loyalty_engine.services.imports.records import HeldLevel
from loyalty_engine.services.manual_levels import ManualLevel, put_in
from loyalty_engine.services.reviews import review_day
from loyalty_engine.store.audits import kinds
from loyalty_engine.store.session import db, in_transaction
from rules.movement import LINE_OF
from tests.builders import STAFF, done, publish
from tests.conftest import NOON, FrozenClock
from tests.ledger import (
    TEA_CLUB,
    assert_clean,
    enrol,
    line,
    move,
    open_shop,
    post,
    rows,
    said,
    sold,
    spend,
    take_return,
)

Found = set[tuple[int, str]]


def build() -> None:
    """A little of everything: returns, a debt, a move, parked purchases, a claim, an upgrade, two versions."""
    ann, ben, cleo = open_shop()
    post(sold("p1", ann, line(), line("2", 3, 4_500, "cake"), receipt="r1"))
    post(sold("p2", ann, line(amount=30_000), receipt="r2"))
    spend(ann, "leaves", 300)
    take_return("p2", "x1", {"1": 1})
    take_return("p2", "x2")
    take_return("p9", "x3", {"1": 1})
    post(sold("p9", ben, receipt="r9"))
    take_return("p8", "x4")
    post(sold("p1b", ben, line(amount=26_000)))
    move("p1b", cleo)
    claimed = said(post(sold("p10", None, receipt="r10")))["claim_code"]
    done(claims.claim_in, Actor("app", "member", member_id=cleo), claimed)
    post(sold("p11", None, card="6300000000000000", receipt="r11"))
    post(sold("p12", ann, paid=3))
    publish(TEA_CLUB.replace("bonus: 40", "bonus: 50").replace("{steps: one}", "{grace: 30 days, steps: one}"))
    with clock.frozen(NOON + timedelta(days=1)):
        post(sold("p20", ben, line(amount=30_000), line("2", 0, 500, "tea")))
        post(sold("p13", ann, at=NOON - timedelta(days=40)))
        done(claims.accept_in, STAFF, "p13", "s-1", "a till was offline")
        spend(cleo, "leaves", 500)
        take_return("p1b", "x9")
    review()


def review() -> None:
    """Give a level by hand, let it end, give days of grace, and lower."""
    given = ManualLevel("gold", NOON.date() + timedelta(days=3), "a match of another club's card")
    with clock.frozen(NOON + timedelta(days=2)):
        dan, eve = enrol(tier=HeldLevel("gold", NOON.date())), enrol()
        enrol(tier=HeldLevel("silver", NOON.date()))
        enrol(tier=HeldLevel("gold", NOON.date()))
        for member in (dan, eve):
            in_transaction(lambda connection, member=member: put_in(connection, STAFF, member, given))
    for days in (3, 5, 40):
        with clock.frozen(NOON + timedelta(days=days)):
            review_day(NOON.date() + timedelta(days=days), 1)
    with clock.frozen(NOON + timedelta(days=41)):
        enrol(tier=HeldLevel("gold", NOON.date() + timedelta(days=40)))
        in_transaction(lambda connection: put_in(connection, STAFF, eve, replace(given, until=date(2027, 6, 1))))
        review_day(NOON.date() + timedelta(days=41), 2)


def change(*statements: str) -> None:
    """Change rows past all checks and keys of SQLite."""
    with closing(db.engine.raw_connection()) as raw:
        connection = raw.driver_connection
        connection.rollback()
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("PRAGMA foreign_keys = OFF")
        try:
            for statement in statements:
                done = connection.execute(statement)
                assert done.rowcount > 0, f"nothing was changed by {statement}"
            connection.commit()
        finally:
            connection.execute("PRAGMA ignore_check_constraints = OFF")
            connection.execute("PRAGMA foreign_keys = ON")


def broken(report: Report) -> Found:
    return {(one.rule.invariant, one.rule.table) for one in report.broken}


ONE_ENTRY = "rowid = (SELECT MIN(rowid) FROM ledger_entries WHERE kind = 'accrual' AND wallet = 'leaves')"
FIRST_ENTRY = "rowid = (SELECT MIN(rowid) FROM ledger_entries)"
A_LOT = "lot_id = (SELECT MAX(lot_id) FROM lots WHERE wallet = 'leaves' AND remaining > 9)"
A_MEMBER = "member_id = (SELECT member_id FROM purchases WHERE purchase_key = 's-1/p20')"
AN_ACCOUNT = f"{A_MEMBER} AND wallet = 'leaves'"
WHOLE = "purchase_key = 's-1/p20'"
HALF = "purchase_key = 's-1/p9'"

BREAKS = {
    "an account has more than its entries": ("UPDATE accounts SET available = available + 5 WHERE " + AN_ACCOUNT, 1, "accounts"),
    "an account's debt is gone": ("UPDATE accounts SET debt = 0 WHERE debt > 0", 1, "accounts"),
    "points ever earned are raised": ("UPDATE accounts SET lifetime = 9 WHERE " + AN_ACCOUNT, 1, "accounts"),
    "an account is missing": ("DELETE FROM accounts WHERE " + AN_ACCOUNT, 1, "accounts"),
    "an entry is deleted": ("DELETE FROM ledger_entries WHERE " + FIRST_ENTRY, 1, "members"),
    "an entry is renumbered": ("UPDATE ledger_entries SET seq = 99 WHERE " + FIRST_ENTRY, 1, "members"),
    "an entry is changed": ("UPDATE ledger_entries SET points = points + 1, available = available + 1 WHERE " + ONE_ENTRY, 6, "purchases"),
    "an entry does not add up": ("UPDATE ledger_entries SET points = points + 1 WHERE " + ONE_ENTRY, 1, "ledger_entries"),
    "an entry is booked in the past": ("UPDATE ledger_entries SET booked_at = '2026-01-01 00:00:00.000000' WHERE rowid = (SELECT MAX(rowid) FROM ledger_entries)", 1, "ledger_entries"),
    "a member was last booked in the past": ("UPDATE members SET last_booked_at = '2026-01-01 00:00:00.000000' WHERE " + A_MEMBER, 1, "members"),
    "a lot has more than it was granted": ("UPDATE lots SET remaining = granted + 1 WHERE " + A_LOT, 2, "lots"),
    "a lot has less than nothing": ("UPDATE lots SET remaining = -1 WHERE " + A_LOT, 2, "lots"),
    "a lot holds more than is left": ("UPDATE lots SET held = remaining + 1 WHERE " + A_LOT, 2, "lots"),
    "a lot's change is deleted": ("DELETE FROM lot_changes WHERE lot_id = (SELECT MAX(lot_id) FROM lot_changes)", 2, "lots"),
    "a change takes from no lot": ("UPDATE lot_changes SET lot_id = 'none' WHERE lot_id = (SELECT MAX(lot_id) FROM lot_changes)", 2, "lots"),
    "a lot is granted more than its entry": ("UPDATE lots SET granted = granted + 1, remaining = remaining + 1 WHERE " + A_LOT, 2, "ledger_entries"),
    "a lot is held without a hold": ("UPDATE lots SET held = 1 WHERE " + A_LOT, 2, "accounts"),
    "an expired lot has points": ("UPDATE lots SET state = 'expired' WHERE " + A_LOT, 2, "lots"),
    "points are available beside a debt": ("UPDATE accounts SET available = available + 9, debt = debt + 9 WHERE " + AN_ACCOUNT, 2, "accounts"),
    "a figure is negative": ("UPDATE accounts SET held = -1 WHERE " + AN_ACCOUNT, 2, "accounts"),
    "the soonest end is another day": ("UPDATE accounts SET next_expires_on = '2026-12-24' WHERE " + AN_ACCOUNT, 2, "accounts"),
    "the soonest end has other points": ("UPDATE accounts SET next_expires_points = 1 WHERE " + AN_ACCOUNT, 2, "accounts"),
    "an entry overdraws": ("UPDATE ledger_entries SET available = available - 9999, pending = pending + 9999 WHERE " + ONE_ENTRY, 3, "ledger_entries"),
    "a redemption makes debt": ("UPDATE ledger_entries SET debt = 1, available = available + 1 WHERE kind = 'redemption'", 3, "ledger_entries"),
    "an entry of no known kind counts as nothing": ("UPDATE ledger_entries SET kind = 'present' WHERE " + ONE_ENTRY, 7, "accounts"),
    "an entry's kind is not known": ("UPDATE ledger_entries SET kind = 'present' WHERE " + ONE_ENTRY, 7, "ledger_entries"),
    "an accrual is called a hold": ("UPDATE ledger_entries SET kind = 'hold' WHERE " + ONE_ENTRY, 7, "accounts"),
    "an account has points that nobody gave": ("UPDATE accounts SET pending = pending + 1 WHERE " + AN_ACCOUNT, 7, "accounts"),
    "an accrual takes": ("UPDATE ledger_entries SET points = -1, available = -1, pending = 0, debt = 0 WHERE " + ONE_ENTRY, 7, "ledger_entries"),
    "an accrual holds": ("UPDATE ledger_entries SET held = 1, available = available - 1 WHERE " + ONE_ENTRY, 7, "ledger_entries"),
    "a redemption gives": ("UPDATE ledger_entries SET points = 1, available = 1 WHERE kind = 'redemption'", 7, "ledger_entries"),
    "an expiry gives": ("UPDATE ledger_entries SET kind = 'expiry' WHERE " + ONE_ENTRY, 7, "ledger_entries"),
    "an expiry takes what is pending": ("UPDATE ledger_entries SET kind = 'expiry', pending = available, available = 0 WHERE kind = 'redemption'", 7, "ledger_entries"),
    "a maturity has points": ("UPDATE ledger_entries SET kind = 'maturity' WHERE " + ONE_ENTRY, 7, "ledger_entries"),
    "a release frees nothing": ("UPDATE ledger_entries SET kind = 'release', points = 0, available = 0, pending = 0, held = 0, debt = 0 WHERE " + ONE_ENTRY, 7, "ledger_entries"),
    "a hold sets nothing aside": ("UPDATE ledger_entries SET kind = 'hold', points = 0, available = 0, pending = 0, held = 0, debt = 0 WHERE " + ONE_ENTRY, 7, "ledger_entries"),
    "a reversal gives": ("UPDATE ledger_entries SET points = 5, available = 5, pending = 0, debt = 0 WHERE rowid = (SELECT MIN(rowid) FROM ledger_entries WHERE kind = 'reversal')", 7, "ledger_entries"),
    "an adjustment gives and takes": ("UPDATE ledger_entries SET kind = 'adjustment', available = available + 5, pending = pending - 5 WHERE " + ONE_ENTRY, 7, "ledger_entries"),
    "a transfer comes from nowhere": ("UPDATE ledger_entries SET kind = 'transfer_in' WHERE " + ONE_ENTRY, 7, "ledger_entries"),
    "a transfer leaves for nowhere": ("UPDATE ledger_entries SET kind = 'transfer_out' WHERE kind = 'redemption'", 7, "ledger_entries"),
    "a purchase's number is free again": ("DELETE FROM purchase_keys WHERE " + WHOLE, 5, "purchase_keys"),
    "a purchase's number leads to nobody": ("UPDATE purchase_keys SET member_id = NULL, posting_id = NULL WHERE " + WHOLE, 5, "purchase_keys"),
    "a number leads nowhere": ("INSERT INTO purchase_keys VALUES ('s-1/ghost', 'f', 'm', 'p')", 5, "purchase_keys"),
    "a parked purchase is gone": ("DELETE FROM parked_purchases WHERE purchase_key = 's-1/p11'", 5, "purchase_keys"),
    "a receipt is free again": ("DELETE FROM receipts WHERE purchase_key = 's-1/p9'", 5, "receipts"),
    "a parked purchase's receipt is free again": ("DELETE FROM receipts WHERE purchase_key = 's-1/p11'", 5, "receipts"),
    "a receipt leads to another purchase": ("UPDATE receipts SET purchase_key = 's-1/p20' WHERE purchase_key = 's-1/p9'", 5, "receipts"),
    "a purchase is posted twice": ("UPDATE purchases SET purchase_key = 's-1/p9' WHERE " + WHOLE, 5, "purchases"),
    "a claim code is lost": ("DELETE FROM claim_codes WHERE purchase_key = 's-1/p11'", 5, "claim_codes"),
    "what was granted is raised": ("UPDATE purchases SET granted = replace(granted, '\"leaves\":', '\"leaves\":1') WHERE " + WHOLE, 6, "purchases"),
    "what is kept is raised": ("UPDATE purchases SET kept = granted WHERE " + HALF, 6, "purchases"),
    "what is left is raised": ("UPDATE purchases SET left_units = NULL WHERE " + HALF, 6, "purchases"),
    "the facts are changed": ("UPDATE purchases SET facts = replace(facts, '30000', '40000') WHERE " + WHOLE, 6, "purchases"),
    "the facts can't be read": ("UPDATE purchases SET facts = 'x' WHERE " + WHOLE, 6, "purchases"),
    "the total is changed": ("UPDATE purchases SET total_minor = 1 WHERE " + WHOLE, 6, "purchases"),
    "the business day is changed": ("UPDATE purchases SET business_day = '2026-11-01' WHERE " + WHOLE, 6, "purchases"),
    "the decisions are changed": ("UPDATE purchases SET decisions = replace(decisions, '\"failed\":{', '\"failed\":{\"base\":\"when\",') WHERE " + WHOLE, 6, "purchases"),
    "the use of caps is changed": ("UPDATE purchases SET cap_use = '{}' WHERE " + WHOLE, 6, "purchases"),
    "a return is deleted": ("DELETE FROM purchase_returns WHERE return_reference = 'x3'", 6, "ledger_entries"),
    "an entry names no purchase": ("UPDATE ledger_entries SET source_id = 'none' WHERE " + ONE_ENTRY, 6, "ledger_entries"),
    "a qualifying day is raised": ("UPDATE qualifying_days SET amount = amount + 1 WHERE metric = 'points:leaves'", 6, "qualifying_days"),
    "a qualifying day is missing": ("DELETE FROM qualifying_days WHERE metric = 'net_spend'", 6, "qualifying_days"),
    "a cap has room again": ("UPDATE cap_uses SET used = 0 WHERE used > 0", 6, "cap_uses"),
    "a budget has room again": ("UPDATE budgets SET used = 0 WHERE used > 0", 6, "budgets"),
    "purchases are miscounted": ("UPDATE members SET purchases_count = 77 WHERE " + A_MEMBER, 6, "members"),
    "the last purchase was later": ("UPDATE members SET last_purchase_on = '2027-01-01' WHERE " + A_MEMBER, 6, "members"),
    "a return waits for a booked purchase": ("UPDATE waiting_returns SET purchase_key = 's-1/p20'", 6, "waiting_returns"),
    "a level is given": ("UPDATE members SET level = 'gold' WHERE " + A_MEMBER, 10, "members"),
    "a change of level is deleted": ("DELETE FROM tier_history WHERE change_no = 2", 10, "members"),
    "an upgrade was not reached": ("UPDATE tier_history SET metric = 3 WHERE source_kind = 'purchase'", 10, "tier_history"),
    "a change of level goes back in time": ("UPDATE tier_history SET since_at = '2001-01-01 00:00:00.000000' WHERE change_no = 2", 10, "tier_history"),
    "an upgrade was missed": ("UPDATE members SET level = 'plain' WHERE level <> 'plain'", 10, "members"),
    "a grace is given": ("UPDATE members SET level_grace_until = '2027-12-31' WHERE " + A_MEMBER, 10, "members"),
    "a grace is longer": ("UPDATE members SET level_grace_until = '2099-12-31' WHERE level_grace_until IS NOT NULL", 10, "members"),
    "a review is put off": ("UPDATE members SET level_review_on = '2099-12-31' WHERE level_review_on IS NOT NULL", 10, "members"),
    "a level by hand is one by the metric": ("UPDATE members SET level_by = 'metric' WHERE level_by = 'manual'", 10, "members"),
    "a level is one by hand": ("UPDATE members SET level_by = 'manual' WHERE level_by = 'metric'", 10, "members"),
    "a review lowered who had reached the level": ("UPDATE tier_history SET metric = 9999 WHERE reason = 'lowered'", 10, "tier_history"),
    "a review lowered too far": ("UPDATE tier_history SET level = 'plain' WHERE reason = 'lowered' AND level = 'silver'", 10, "tier_history"),
    "a review kept what was not reached": ("UPDATE tier_history SET reason = 'kept' WHERE reason = 'grace'", 10, "tier_history"),
    "a grace came twice": ("UPDATE tier_history SET reason = 'grace' WHERE reason = 'lowered'", 10, "tier_history"),
    "a review says nothing": ("UPDATE tier_history SET metric = NULL WHERE source_kind = 'review'", 10, "tier_history"),
    "a version's document is changed": ("UPDATE programme_versions SET document = replace(document, '1.5', '2.5') WHERE version = 1", 11, "programme_versions"),
    "a version begins earlier": ("UPDATE programme_versions SET effective_at = '2026-11-01 00:00:00.000000' WHERE version = 2", 11, "programme_versions"),
    "a version is gone": ("DELETE FROM programme_versions WHERE version = 2", 11, "purchases"),
    "an entry names no version": ("UPDATE ledger_entries SET version = 9 WHERE " + FIRST_ENTRY, 11, "ledger_entries"),
    "a publishing is struck from the log": ("DELETE FROM audit_log WHERE action = 'programme.publish'", 11, "programme_versions"),
    "a purchase was judged by a later version": ("UPDATE purchases SET version = 2 WHERE purchase_key = 's-1/p9'", 11, "purchases"),
    "a purchase was judged by an earlier version": ("UPDATE purchases SET version = 1 WHERE " + WHOLE, 11, "purchases"),
    "an entry has too many points": ("UPDATE ledger_entries SET points = 1000000001 WHERE " + ONE_ENTRY, 12, "ledger_entries"),
    "an entry's points are no integer": ("UPDATE ledger_entries SET points = points + 0.5 WHERE " + ONE_ENTRY, 12, "ledger_entries"),
    "a total is negative": ("UPDATE purchases SET total_minor = -1 WHERE " + WHOLE, 12, "purchases"),
    "more of a cap came back than was used": ("UPDATE cap_uses SET used = -1", 12, "cap_uses"),
    "a reason has a mail address": ("UPDATE ledger_entries SET reason = 'asked by li.wei@example.com' WHERE " + ONE_ENTRY, 13, "ledger_entries"),
    "a reason has a telephone number": ("UPDATE tier_history SET reason = 'called from +8613912345678'", 13, "tier_history"),
    "facts say who bought": ("UPDATE purchases SET facts = replace(facts, '\"channel\"', '\"phone\":\"1\",\"channel\"') WHERE " + WHOLE, 13, "purchases"),
    "facts have a mail address": ("UPDATE purchases SET facts = replace(facts, 'SKU-1', 'li@example.com') WHERE " + WHOLE, 13, "purchases"),
    "a booked purchase still says how its member was named": ("UPDATE parked_purchases SET named_member = '{}' WHERE status = 'posted'", 13, "parked_purchases"),
}  # fmt: skip


def test_nothing_is_found_in_what_services_wrote(app: Flask, frozen_clock: FrozenClock) -> None:
    build()
    report = audit()
    assert report.clean, report.as_json()
    assert report.looked_at["purchases"] == 8
    assert report.looked_at["versions"] == 2


@pytest.mark.parametrize("name", BREAKS)
def test_what_was_changed_by_hand_is_named(breakable: None, name: str) -> None:
    statement, invariant, table = BREAKS[name]
    change(statement)
    assert (invariant, table) in broken(audit())


def test_postgresql_names_the_same(postgresql_application: Flask, frozen_clock: FrozenClock) -> None:
    """Those that its own checks don't refuse; rows are chosen by key, for it has no rowid."""
    chosen = [
        one
        for one in BREAKS.values()
        if one[0].startswith(("UPDATE accounts SET next_", "UPDATE members SET purchases", "UPDATE purchases SET total_minor = 1 "))
        or (one[2] in ("receipts", "purchase_keys", "budgets", "qualifying_days", "waiting_returns")
        and "ghost" not in one[0])
    ]  # fmt: skip
    with postgresql_application.app_context():
        build()
        assert_clean()
        with db.engine.begin() as connection:
            for statement, _, _ in chosen:
                connection.execute(sa.text(statement.replace(":", "\\:")))
        assert broken(audit()) >= {(invariant, table) for _, invariant, table in chosen}


def test_a_finding_says_where_what_was_found_and_what_was_expected(breakable: None) -> None:
    change("UPDATE accounts SET available = available + 5 WHERE " + AN_ACCOUNT)
    first = next(one for one in audit().broken if one.rule.invariant == 1).first[0]
    account = rows("SELECT member_id, available FROM accounts WHERE " + AN_ACCOUNT)[0]
    assert first.key == {"member_id": account["member_id"], "wallet": "leaves"}
    assert first.found == {"available": str(account["available"])}
    assert first.expected == {"available": str(account["available"] - 5)}


def test_only_the_first_rows_are_named_and_all_are_counted(breakable: None) -> None:
    change("UPDATE ledger_entries SET points = points + 1")
    entries = rows("SELECT COUNT(*) AS count FROM ledger_entries")[0]["count"]
    one = next(one for one in audit().broken if one.rule.says == "an entry's changes add up to its points")
    assert one.count == entries
    assert len(one.first) == min(NAMED, entries)


def test_a_report_is_plain_json(breakable: None) -> None:
    change("UPDATE purchases SET total_minor = 1 WHERE " + WHOLE)
    told = json.loads(json.dumps(audit().as_json()))
    assert told["clean"] is False
    assert told["broken"][0]["invariant"] == 6
    assert told["broken"][0]["rows"][0]["found"] == {"total_minor": "1"}


def test_progress_reaches_its_end(breakable: None) -> None:
    from contextlib import contextmanager

    seen: dict[str, list[int]] = {}

    @contextmanager
    def progress(what: str, total: int) -> Iterator[Any]:
        seen[what] = [total, 0]

        def advance(done: int) -> None:
            seen[what][1] += done

        yield advance

    audit(progress)
    assert all(total == done for total, done in seen.values())
    assert {"checks", "purchases", "versions"} <= set(seen)


def test_an_empty_database_is_clean(app: Flask) -> None:
    assert audit().clean


def test_the_audit_writes_nothing_and_keeps_no_writer_waiting(app: Flask, frozen_clock: FrozenClock) -> None:
    """It looks at one moment: what is posted meanwhile is posted, and not seen."""
    ann, *_ = open_shop()
    post(sold("p1", ann))

    class Meanwhile:
        def __enter__(self) -> Any:
            if not rows("SELECT 1 FROM purchase_keys WHERE purchase_key = 's-1/p2'"):
                post(sold("p2", ann))
            return lambda done: None

        def __exit__(self, *_: object) -> None: ...

    report = audit(lambda what, total: Meanwhile())
    assert report.clean, report.as_json()
    assert_clean()


def test_every_kind_of_entry_is_looked_at_in_its_own_way() -> None:
    """A kind that a report counts is one that the audit knows, and the other way round."""
    assert set(kinds.MAY) == set(LINE_OF)
