"""What members had elsewhere comes in lot by lot, with its end, once, and comes to what the shop says it must."""

import json
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import importing, merging
from loyalty_engine.services.importing import Request
from loyalty_engine.services.imports.totals import Totals
from loyalty_engine.services.jobs import nights
from tests.builders import ADMIN, STAFF
from tests.conftest import NOON, FrozenClock
from tests.ledger import assert_clean, dump, enrol, figures, open_shop, post, rows, sold, spend, take_return
from tests.nights import noon

CARD = "6300000000000012"
HEAD = "card,wallet,points,opened_on,expires_on,lot_id\n"


@pytest.fixture(autouse=True)
def _noon(app: Flask, frozen_clock: FrozenClock) -> None:
    """All of this happens at noon, unless a test moves on."""


def bring_in(directory: Path, text: str, name: str = "balances.csv") -> tuple[Totals, list[dict[str, Any]]]:
    path, rejects = directory / name, directory / "rejects.ndjson"
    path.write_text(text, encoding="utf-8")
    totals = importing.bring_in(
        ADMIN, Request("balances", path, rejects), lambda kind, total: nullcontext(lambda done: None)
    )
    found = rejects.read_text(encoding="utf-8").splitlines() if rejects.exists() else []
    return totals, [json.loads(record) for record in found]


def test_lots_come_in_once_with_their_ends(tmp_path: Path) -> None:
    open_shop(members=0)
    ann = enrol(cards=(CARD,), external_id="a-1", phone="+8613800138000")
    text = (
        f'{{"member": {{"card": "{CARD}"}}, "wallet": "leaves", "points": 120, "opened_on": "2026-01-05", "expires_on": "2026-12-31"}}\n'
        '{"member": {"phone": "+8613800138000"}, "wallet": "leaves", "points": 30, "opened_on": "2026-02-05"}\n'
        '{"member": {"external_id": "a-1"}, "wallet": "stamps", "points": 7, "opened_on": "2026-02-05", "lot_id": "x-7"}\n'
        f'{{"member": {{"member_id": "{ann}"}}, "wallet": "petals", "points": 5, "opened_on": "2026-11-01", "available_on": "2026-12-01"}}\n'
    )
    totals, rejected = bring_in(tmp_path, text, "balances.ndjson")
    assert (totals.statuses, rejected) == ({"posted": 4}, [])
    assert totals.accounted == totals.points == {"leaves": 150, "stamps": 7, "petals": 5}
    assert figures(ann) == {"leaves": (150, 0, 0, 0), "stamps": (7, 0, 0, 0), "petals": (0, 5, 0, 0)}
    kinds = rows("SELECT DISTINCT kind, source_kind FROM ledger_entries")
    assert kinds == [{"kind": "opening", "source_kind": "opening"}]
    (account,) = rows("SELECT next_expires_on, next_expires_points, lifetime FROM accounts WHERE wallet = 'leaves'")
    assert (str(account["next_expires_on"]), account["next_expires_points"]) == ("2026-12-31", 120)
    assert account["lifetime"] == 150
    assert not rows("SELECT 1 FROM qualifying_days"), "what was given elsewhere counts for no tier"
    assert_clean()
    before = dump()["ledger_entries"], dump()["lots"]
    again, _ = bring_in(tmp_path, text, "balances.ndjson")
    assert (again.statuses, again.points, again.accounted) == ({"replayed": 4}, {}, totals.accounted)
    assert (dump()["ledger_entries"], dump()["lots"]) == before


def test_a_file_that_is_edited_adds_only_what_has_a_new_name(tmp_path: Path) -> None:
    open_shop(members=0)
    ann = enrol(cards=(CARD,))
    bring_in(tmp_path, f"{HEAD}{CARD},leaves,100,2026-01-05,,o-1\n")
    totals, rejected = bring_in(
        tmp_path,
        f"{HEAD}{CARD},leaves,100,2026-01-05,,o-1\n{CARD},leaves,101,2026-01-05,,o-1\n"
        f"{CARD},leaves,100,2026-01-05,2027-01-01,o-1\n{CARD},stamps,3,2026-01-05,,o-1\n{CARD},leaves,9,2026-01-05,,o-2\n"
        f"{CARD},leaves,9,2026-01-05,,o-2\n",
    )
    assert totals.statuses == {"replayed": 2, "rejected": 2, "posted": 2}
    assert [one["reason"].partition(":")[0] for one in rejected] == ["balance_differs"] * 2
    assert figures(ann) == {"leaves": (109, 0, 0, 0), "stamps": (3, 0, 0, 0)}
    assert_clean()


WRONG = {
    "no points": ("{card},leaves,0,2026-01-05,,", "points", "must be a whole number from 1 to 1000000000"),
    "less than none": ("{card},leaves,-5,2026-01-05,,", "points", "must be a whole number from 1 to 1000000000"),
    "half a point": ("{card},leaves,1.5,2026-01-05,,", "points", "must be a whole number from 1 to 1000000000"),
    "too many": ("{card},leaves,1000000001,2026-01-05,,", "points", "must be a whole number from 1 to 1000000000"),
    "nobody": (
        ",leaves,5,2026-01-05,,",
        "member",
        "must be named by exactly one of member_id, card, phone, external_id",
    ),
    "no day": ("{card},leaves,5,,,", "opened_on", "is missing"),
    "a stranger": ("6300000000000020,leaves,5,2026-01-05,,", "", "unknown_card"),
    "no such wallet": ("{card},pips,5,2026-01-05,,", "", "wallet_not_found"),
    "tomorrow": ("{card},leaves,5,2026-11-23,,", "", "balance_invalid: opened_on"),
    "over yesterday": ("{card},leaves,5,2026-01-05,2026-11-21,", "", "balance_invalid: expires_on"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_bad_row_is_refused_with_its_line_field_and_reason(tmp_path: Path, name: str) -> None:
    row, field, reason = WRONG[name]
    open_shop(members=0)
    enrol(cards=(CARD,))
    totals, rejected = bring_in(tmp_path, f"{HEAD}{row.format(card=CARD)}\n{CARD},leaves,5,2026-01-05,,\n")
    assert totals.statuses == {"rejected": 1, "posted": 1}
    assert [(one["line"], one["field"]) for one in rejected] == [(2, field)]
    assert rejected[0]["reason"].startswith(reason)
    assert_clean()


ACTIVE_HEAD = "card,wallet,points,opened_on,active_on\n"


def _open_stamps(directory: Path, active_on: str) -> Totals:
    """A lot of stamps of two years ago; stamps lapse after 18 months in which nothing happens."""
    row = f"{CARD},stamps,50,2024-11-22,{active_on}\n"
    return bring_in(directory, f"{ACTIVE_HEAD}{row}")[0]


@pytest.mark.parametrize(("day", "lapsed"), [(date(2028, 5, 21), 0), (date(2028, 5, 22), 0), (date(2028, 5, 23), 50)])
def test_inactivity_is_counted_from_the_import_where_nothing_is_known(
    tmp_path: Path, frozen_clock: FrozenClock, day: date, lapsed: int
) -> None:
    open_shop(members=0)
    ann = enrol(cards=(CARD,))
    assert _open_stamps(tmp_path, "").statuses == {"posted": 1}
    frozen_clock.move(timedelta(days=1))
    nights.run("night")
    assert figures(ann)["stamps"] == (50, 0, 0, 0), "nothing is lost in the first night"
    frozen_clock.set(noon(day))
    nights.run("expiry", day)
    assert figures(ann)["stamps"] == (50 - lapsed, 0, 0, 0)
    assert_clean()


@pytest.mark.parametrize(
    ("active_on", "accepted"),
    [
        ("2024-11-21", False),
        ("2025-05-21", False),
        ("2025-05-22", True),
        ("2026-11-22", True),
        ("2026-11-23", False),
    ],
)
def test_a_last_activity_is_known_and_leaves_the_points_a_day_at_least(
    tmp_path: Path, frozen_clock: FrozenClock, active_on: str, accepted: bool
) -> None:
    """What was active on 22 May 2025 is good through 22 November 2026, the day of the import."""
    open_shop(members=0)
    ann = enrol(cards=(CARD,))
    assert _open_stamps(tmp_path, active_on).statuses == {"posted" if accepted else "rejected": 1}
    if accepted:
        (account,) = rows("SELECT active_on FROM accounts WHERE wallet = 'stamps'")
        assert str(account["active_on"]) == active_on
        frozen_clock.move(timedelta(days=1))
        nights.run("night")
        assert figures(ann)["stamps"] == (0 if active_on == "2025-05-22" else 50, 0, 0, 0)
    assert_clean()


def test_a_last_activity_says_nothing_against_a_lot_that_has_an_end(tmp_path: Path) -> None:
    open_shop(members=0)
    enrol(cards=(CARD,))
    row = f"{CARD},stamps,50,2020-01-01,2027-01-01,2020-01-01\n"
    totals, _ = bring_in(tmp_path, f"card,wallet,points,opened_on,expires_on,active_on\n{row}")
    assert totals.statuses == {"posted": 1}
    assert_clean()


@pytest.mark.parametrize(("opened", "ends", "accepted"), [(0, 0, True), (1, 5, False), (0, -1, False), (-1, 1, True)])
def test_the_days_at_the_border(tmp_path: Path, opened: int, ends: int, accepted: bool) -> None:
    open_shop(members=0)
    enrol(cards=(CARD,))
    today = date(2026, 11, 22)
    days = [(today + timedelta(days=one)).isoformat() for one in (opened, ends)]
    totals, _ = bring_in(tmp_path, f"{HEAD}{CARD},leaves,5,{days[0]},{days[1]},\n")
    assert totals.statuses == {"posted" if accepted else "rejected": 1}


def test_a_debt_is_paid_first(tmp_path: Path) -> None:
    ann, *_ = open_shop()
    card = rows("SELECT number FROM cards WHERE member_id = :m", m=ann)[0]["number"]
    post(sold("p1", ann))
    spend(ann, "leaves", 100)
    take_return("p1", "x1")
    assert figures(ann)["leaves"] == (0, 0, 0, 100)
    bring_in(tmp_path, f"{HEAD}{card},leaves,130,2026-01-05,2027-01-05,\n")
    assert figures(ann)["leaves"] == (30, 0, 0, 0)
    assert_clean()


def test_lots_of_a_member_who_was_merged_since_are_known(tmp_path: Path) -> None:
    ann, ben, cleo = open_shop()
    card = rows("SELECT number FROM cards WHERE member_id = :m", m=ann)[0]["number"]
    text = f"{HEAD}{card},leaves,100,2026-01-05,,o-1\n{card},leaves,20,2026-01-05,,\n"
    bring_in(tmp_path, text)
    spend(ann, "leaves", 110)
    merging.merge(STAFF, ann, ben, "one person")
    merging.merge(STAFF, ben, cleo, "the same again")
    totals, _ = bring_in(tmp_path, text)
    assert totals.statuses == {"replayed": 2}
    assert figures(cleo)["leaves"] == (10, 0, 0, 0)
    assert_clean()


def test_an_import_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from loyalty_engine.services.imports import job

    open_shop(members=0)
    ann = enrol(cards=(CARD,))
    text = HEAD + "".join(f"{CARD},leaves,{1 + one},2026-01-05,,\n" for one in range(7))
    monkeypatch.setattr(job, "BATCH", 3)
    saves = iter([None, KeyboardInterrupt])
    stored = job.Mark

    def mark(*values: Any, **named: Any) -> Any:
        if values and (failure := next(saves, None)):
            raise failure
        return stored(*values, **named)

    monkeypatch.setattr(job, "Mark", mark)
    with pytest.raises(KeyboardInterrupt):
        bring_in(tmp_path, text)
    assert figures(ann)["leaves"][0] == 6, "a batch and how far it came are one commit"
    totals, _ = bring_in(tmp_path, text)
    assert totals.statuses == {"posted": 7}
    assert (figures(ann)["leaves"][0], totals.accounted) == (28, {"leaves": 28})
    with clock.frozen(NOON + timedelta(days=1)):
        assert_clean()


def test_the_documented_files_read_the_same(tmp_path: Path) -> None:
    import re

    from loyalty_engine.services.imports.jobs import balance_job

    document = (Path(__file__).parents[2] / "docs" / "import-formats.md").read_text("utf-8")
    found = []
    for language in ("ndjson", "csv"):
        block = re.search(rf"```{language} balances\n(.*?)```", document, re.DOTALL)
        assert block
        path = tmp_path / f"balances.{language}"
        path.write_text(block[1], encoding="utf-8")
        found.append([item.value for item in balance_job(lambda many: ()).read(path, "0" * 64)])
    assert found[0] == found[1]
    assert found[0][0] is not None
    assert (found[0][0].points, found[0][0].source) == (1200, "old-77-1")
