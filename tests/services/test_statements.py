"""A statement of account: opening, every entry with its words, closing; to the point, in either language, safe to open."""

import csv
import io
import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings

from loyalty_engine import clock
from loyalty_engine.services import as_of, ledger, statements
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.sheets import harmless, sheet
from loyalty_engine.services.statement_sheets import HEADINGS, as_csv
from loyalty_engine.services.statements import Statement
from rules.errors import Refusal
from rules.movement import LINE_OF
from rules.statement_words import PHRASES, kind_words, spoken
from tests.builders import STAFF
from tests.conftest import NOON, FrozenClock
from tests.histories import Act, History, acts, moved, source
from tests.ledger import line, open_shop, post, sold, spend, take_return, today

EXAMPLES = {"ci": 12, "thorough": 400}[os.environ.get("LOYALTY_TEST_PROFILE", "ci")]
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        FrozenClock(found, NOON)
        yield found


def asked(member: str, first: date = date(2026, 11, 1), last: date | None = None, **more: Any) -> Statement:
    return statements.statement(STAFF, member, first, last or today(), more.get("language", "en"))


def balances_at(member: str, day: date) -> dict[str, dict[str, int]]:
    found = as_of.balances(member, day)["balances"]
    return {one["wallet"]: {name: one[name] for name in ("available", "pending", "held", "debt")} for one in found}


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts)
def test_opening_and_closing_are_the_days_and_the_entries_lead_from_one_to_the_other(
    app: Flask, stack: ExitStack, acts: list[Act]
) -> None:
    stack.enter_context(clock.frozen(NOON))
    history = History(open_shop(members=2), stack)
    history.play(acts)
    ends = today()
    middle = date(2026, 11, 22) + (ends - date(2026, 11, 22)) // 2
    for member in history.members:
        entries = 0
        for first, last in ((date(2026, 11, 1), middle), (middle + timedelta(days=1), ends)):
            if first > last:
                continue
            told = asked(member, first, last)
            before, after = balances_at(member, first - timedelta(days=1)), balances_at(member, last)
            for one in told.wallets:
                assert one.opening._asdict() == before[one.wallet]
                assert one.closing._asdict() == after[one.wallet]
                gave = sum(entry.points + entry.forgiven for entry in one.lines)
                assert one.opening.outstanding + gave == one.closing.outstanding
                assert all(first <= entry.on <= last for entry in one.lines)
                if one.lines:
                    last_line = one.lines[-1]
                    assert (last_line.balance, last_line.available) == (one.closing.outstanding, one.closing.available)
                entries += len(one.lines)
        assert entries == _entries(member)


def _entries(member: str) -> int:
    from tests.ledger import rows

    return int(rows("SELECT last_seq FROM members WHERE member_id = :member", member=member)[0]["last_seq"])


def build(stack: ExitStack) -> str:
    ann, *_ = open_shop()
    post(sold("p1", ann, line(amount=10_000)))
    stack.enter_context(clock.frozen(NOON + timedelta(days=2)))
    take_return("p1", "x1", {"1": 1})
    spend(ann, "leaves", 20)
    return ann


def test_each_entry_says_what_it_is_and_what_it_is_about(app: Flask, stack: ExitStack) -> None:
    told = asked(build(stack))
    leaves = told.wallets[0]
    assert [(one.on.day, one.said, one.about, one.points, one.balance) for one in leaves.lines] == [
        (22, "Earned", "purchase p1 at s-1", 150, 150),
        (24, "Taken back", "return x1 of purchase p1 at s-1", -75, 75),
        (24, "Used", "", -20, 55),
    ]
    assert (leaves.name, leaves.opening.outstanding, leaves.closing.outstanding) == ("Leaves", 0, 55)


def test_a_period_without_entries_has_the_balance_only(app: Flask, stack: ExitStack) -> None:
    told = asked(build(stack), date(2026, 11, 23), date(2026, 11, 23))
    assert [(one.lines, one.opening, one.closing) for one in told.wallets[:1]] == [
        ([], told.wallets[0].opening, told.wallets[0].opening)
    ]
    assert told.wallets[0].opening.outstanding == 150


def test_it_is_told_in_chinese(app: Flask, stack: ExitStack) -> None:
    told = asked(build(stack), language="zh-CN")
    assert [one.said for one in told.wallets[0].lines] == ["获得积分", "扣回", "使用积分"]
    assert told.wallets[0].lines[0].about == "在s-1的购物p1"


def test_every_kind_of_entry_has_words_in_both_languages() -> None:
    assert {kind for kind in LINE_OF if kind not in PHRASES} == set()
    for pair in PHRASES.values():
        assert all(pair)
    assert kind_words("fr", "hold") == "Set aside"
    assert kind_words("zh_TW", "hold") == "冻结"
    assert kind_words("en", "something new") == "something new"
    assert [spoken(language) for language in ("zh", "ZH-Hant", "en-GB", "de")] == ["zh", "zh", "en", "en"]


def test_whoever_belongs_to_another_merchant_is_not_told_which_purchase_it_was(app: Flask, stack: ExitStack) -> None:
    ann = build(stack)
    stranger = Actor("shop", "service", "coffee-house")
    told = statements.statement(stranger, ann, date(2026, 11, 1), today(), "en")
    assert [one.about for one in told.wallets[0].lines] == ["", "", ""]
    assert all("purchase_id" not in one.source for one in told.wallets[0].lines)
    own = statements.statement(Actor("shop", "service", "tea-house"), ann, date(2026, 11, 1), today(), "en")
    assert own.wallets[0].lines[0].about == "purchase p1 at s-1"


def test_sources_of_any_form_are_read(app: Flask, stack: ExitStack) -> None:
    """PostgreSQL compares UUIDs with UUIDs only."""
    ann, *_ = open_shop()
    odd = ledger.Source("event", "review:2026-11-22/SKU 1; DROP", NOON)
    moved(ann, lambda posting, state, plan: ledger.grant(
        posting, state, plan, plan.programme.wallet("leaves"), 5, odd, "adjustment", "=HYPERLINK(1)"))  # fmt: skip
    (entry,) = asked(ann).wallets[0].lines
    assert (entry.source, entry.about) == ({"kind": "event", "id": odd.id}, "=HYPERLINK(1)")


@pytest.mark.parametrize(
    ("first", "last", "code", "field"),
    [
        (date(2026, 11, 22), date(2026, 11, 21), "period_backwards", "from"),
        (date(2026, 11, 22), date(2026, 11, 23), "as_of_future", "to"),
        (date(2100, 1, 1), date(2100, 1, 1), "as_of_future", "to"),
    ],
)
def test_a_period_that_is_none_is_refused(
    app: Flask, stack: ExitStack, first: date, last: date, code: str, field: str
) -> None:
    ann, *_ = open_shop()
    with pytest.raises(Refusal) as refused:
        asked(ann, first, last)
    assert (refused.value.code, list(refused.value.errors)) == (code, [field])


def test_too_many_entries_are_refused_and_not_cut(
    app: Flask, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = build(stack)
    entries = _entries(ann)
    monkeypatch.setattr(statements, "MAX_ENTRIES", entries)
    assert asked(ann)
    monkeypatch.setattr(statements, "MAX_ENTRIES", entries - 1)
    with pytest.raises(Refusal) as refused:
        asked(ann)
    assert refused.value.code == "period_too_long"
    assert asked(ann, date(2026, 11, 24)), "a shorter period is told"


def test_an_entry_at_midnight_is_in_the_day_that_begins(app: Flask, stack: ExitStack) -> None:
    ann, *_ = open_shop()
    for second, points in (
        (datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 11, 22, 16, tzinfo=UTC), 2),
    ):
        stack.enter_context(clock.frozen(second))
        moved(ann, lambda posting, state, plan, points=points: ledger.grant(
            posting, state, plan, plan.programme.wallet("leaves"), points, source("gift"), "adjustment"))  # fmt: skip
    points = [
        [one.points for one in asked(ann, date(2026, 11, day), date(2026, 11, day)).wallets[0].lines]
        for day in (22, 23)
    ]
    assert points == [[1], [2]]


def read(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_as_csv_it_has_a_row_for_each_entry_between_two_balances(app: Flask, stack: ExitStack) -> None:
    told = asked(build(stack))
    rows = [row for row in read(as_csv(told)) if row["wallet"] == "leaves"]
    assert tuple(rows[0]) == HEADINGS
    assert [(row["date"], row["kind"], row["points"], row["balance"]) for row in rows] == [
        ("2026-10-31", "opening_balance", "", "0"),
        ("2026-11-22", "accrual", "150", "150"),
        ("2026-11-24", "reversal", "-75", "75"),
        ("2026-11-24", "redemption", "-20", "55"),
        ("2026-11-24", "closing_balance", "", "55"),
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("", ""),
        ("2026-11-22", "2026-11-22"),
    ],
)
def test_no_cell_of_text_is_a_formula(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_numbers_and_days_are_themselves_and_quotes_are_kept() -> None:
    content = sheet(("a", "b", "c", "d"), [(-5, date(2026, 1, 2), None, 'say "hi",\n今天')])
    assert content.decode("utf-8-sig") == 'a,b,c,d\r\n-5,2026-01-02,,"say ""hi"",\n今天"\r\n'
