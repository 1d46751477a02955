"""Purchases that an import keeps without booking them: told each time, and booked once their member has come."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from loyalty_engine.services import claims, enrolment, importing, member_changes
from loyalty_engine.services.importing import Request
from loyalty_engine.services.imports.sinks import Kind
from loyalty_engine.services.imports.totals import Totals
from tests.builders import ADMIN, STAFF, done, open_store, publish
from tests.conftest import FrozenClock
from tests.ledger import assert_clean, rows, take_return

CARD, OTHER = "6300000000000012", "6300000000000020"
MEMBERS = f"external_id,cards\nM-1,{CARD}\n"
HEAD = "store,purchase_id,card,occurred_at,sku,quantity,amount,tenders\n"
HISTORY = (
    f"s-1,P1,{CARD},2026-10-01T09:41,LATTE,1,35.00,\n"
    "s-1,P1,,,BAGEL,1,12.00,\n"
    f"s-1,P2,{CARD},2026-10-02T09:41,LATTE,1,35.00,cash=34.00\n"
    "s-1,P3,,2026-10-03T09:41,LATTE,1,35.00,\n"
)


@pytest.fixture(autouse=True)
def _a_shop(app: object, frozen_clock: FrozenClock) -> None:
    publish()
    open_store()


def bring_in(kind: Kind, directory: Path, text: str) -> tuple[Totals, list[tuple[int, str]]]:
    path, rejects = directory / f"{kind}.csv", directory / f"{kind}.rejects.ndjson"
    path.write_text(text, encoding="utf-8")
    totals = importing.bring_in(ADMIN, Request(kind, path, rejects), lambda kind, total: nullcontext(lambda done: None))
    found = rejects.read_text(encoding="utf-8").splitlines() if rejects.exists() else []
    return totals, [(one["line"], one["reason"]) for one in map(json.loads, found)]


def booked() -> dict[str, str]:
    found = rows("SELECT purchase_key, occurred_at, booked_at FROM purchases")
    assert all(row["occurred_at"] == row["booked_at"] for row in found)
    return {row["purchase_key"]: str(row["booked_at"]) for row in found}


def test_what_waits_is_told_by_its_reason_and_listed_at_every_run(tmp_path: Path) -> None:
    for kept in ({"unresolved": 2, "unclaimed": 1}, {"unresolved": 2, "replayed": 1}):
        totals, listed = bring_in("purchases", tmp_path, HEAD + HISTORY)
        assert totals.statuses == kept
        assert totals.waiting == {"unknown_card": 1, "sums_disagree": 1}
        assert totals.money_minor == {"CNY": 11_700}
        assert ("waiting, unknown_card", "1") in totals.lines()
        assert Totals.from_json(json.loads(json.dumps(totals.to_json()))) == totals
        assert [line for line, _ in listed] == [2, 3, 4]
        assert listed[0][1].startswith("waits: unknown_card: The card is not known;")
        assert listed[1][1] == "a line of a purchase that waits"
        assert listed[2][1].startswith("waits: sums_disagree: ")


def test_what_waited_for_a_member_is_booked_when_the_file_comes_again_after_the_member(tmp_path: Path) -> None:
    bring_in("purchases", tmp_path, HEAD + HISTORY)
    bring_in("members", tmp_path, MEMBERS)
    totals, listed = bring_in("purchases", tmp_path, HEAD + HISTORY)
    assert totals.statuses == {"posted": 1, "unresolved": 1, "replayed": 1}
    assert (totals.points, totals.waiting) == ({"leaves": 47}, {"sums_disagree": 1})
    assert [line for line, _ in listed] == [4]
    assert booked().keys() == {"s-1/P1"}
    again, _ = bring_in("purchases", tmp_path, HEAD + HISTORY)
    assert again.statuses == {"replayed": 2, "unresolved": 1}
    assert (again.points, again.money_minor) == ({}, totals.money_minor)
    assert_clean()


def test_a_corrected_or_a_late_name_books_what_waited_without_one(tmp_path: Path) -> None:
    row = "s-1,P1,{},2026-10-01T09:41,LATTE,1,35.00,\ns-1,P3,{},2026-10-03T09:41,LATTE,1,35.00,\n"
    bring_in("members", tmp_path, MEMBERS)
    bring_in("purchases", tmp_path, HEAD + row.format(OTHER, ""))
    totals, _ = bring_in("purchases", tmp_path, HEAD + row.format(OTHER, OTHER))
    assert totals.waiting == {"unknown_card": 2}
    totals, _ = bring_in("purchases", tmp_path, HEAD + row.format(CARD, CARD))
    assert (totals.statuses, totals.points) == ({"posted": 2}, {"leaves": 70})
    assert_clean()


def test_what_staff_or_a_member_settled_meanwhile_is_there_already(tmp_path: Path) -> None:
    bring_in("purchases", tmp_path, HEAD + HISTORY)
    bring_in("members", tmp_path, MEMBERS)
    done(claims.accept_in, STAFF, "P1", "s-1", "she is here now")
    totals, _ = bring_in("purchases", tmp_path, HEAD + HISTORY)
    assert totals.statuses == {"replayed": 2, "unresolved": 1}


def test_what_stands_in_the_way_now_is_told(tmp_path: Path) -> None:
    bring_in("purchases", tmp_path, HEAD + HISTORY)
    (member,) = [one.member_id for one in enrolment.enrol_many(ADMIN, [enrolment.NewMember(cards=(CARD,))])]
    assert member is not None
    done(member_changes.suspend_in, STAFF, member, "why")
    totals, listed = bring_in("purchases", tmp_path, HEAD + HISTORY)
    assert totals.waiting == {"suspended_member": 1, "sums_disagree": 1}
    assert listed[0][1].startswith("waits: suspended_member: ")
    assert not booked()


def test_a_return_that_waited_is_booked_with_its_purchase(tmp_path: Path) -> None:
    bring_in("purchases", tmp_path, HEAD + HISTORY)
    take_return("P1", "x1", {"2": 1})
    bring_in("members", tmp_path, MEMBERS)
    totals, _ = bring_in("purchases", tmp_path, HEAD + HISTORY)
    assert totals.statuses["posted"] == 1
    assert sum(int(row["points"]) for row in rows("SELECT points FROM ledger_entries")) == 35
    assert_clean()
