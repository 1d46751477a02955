"""Whatever tills, members and staff do, in whatever order, the ledger proves right afterwards."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from loyalty_engine import clock
from loyalty_engine.services import adjustments, claims, events, merging, parking, redemptions
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.intake import PostedPurchase
from loyalty_engine.services.jobs import nights
from loyalty_engine.services.voucher_cancelling import cancel_in
from loyalty_engine.services.voucher_endings import expire_due, release_held
from loyalty_engine.services.voucher_redeeming import hold_in, redeem_in, release_in
from loyalty_engine.store.session import has_one_writer, in_transaction
from rules.errors import Busy, Refusal
from rules.events import Event
from rules.facts import Line
from tests.builders import STAFF, done
from tests.conftest import NOON, FrozenClock
from tests.desk import DEEDS, do
from tests.ledger import (
    REWARDED,
    STORES,
    TEA_CLUB,
    assert_clean,
    capture,
    dump,
    figures,
    hold_reward,
    line,
    move,
    open_shop,
    paid_with,
    picture,
    post,
    redeem,
    redeem_reward,
    release,
    rows,
    said,
    sold,
    spend,
    take_return,
    today,
    voucher_codes,
)
from tests.webhooks import outbox, target, telling

EXAMPLES = {"ci": 15, "thorough": 1_000}[os.environ.get("LOYALTY_TEST_PROFILE", "ci")]
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

MEMBERS = 3
CATEGORIES = ("tea", "tea/green", "cake")


@dataclass(frozen=True)
class Bought:
    """A purchase that somebody may post, once or again; `buyer` counts members, then comes nobody, then a stranger."""

    buyer: int
    store: str
    lines: tuple[Line, ...]
    hours_ago: int
    order_discount: int
    disagrees: bool
    receipt: bool

    def posted(self, number: int, members: list[str]) -> PostedPurchase:
        due = sum(line.amount_minor for line in self.lines) - self.order_discount
        return sold(
            f"p{number}",
            members[self.buyer] if self.buyer < MEMBERS else None,
            *self.lines,
            store=self.store,
            at=NOON - timedelta(hours=self.hours_ago),
            receipt=f"r{number}" if self.receipt else None,
            order_discount=self.order_discount,
            paid=due + 1 if self.disagrees else due,
            card="6300000000000000" if self.buyer > MEMBERS else None,
        )


@st.composite
def bought(draw: st.DrawFn) -> Bought:
    lines = tuple(
        line(str(place), draw(st.integers(0, 4)), draw(st.integers(0, 25_000)), draw(st.sampled_from(CATEGORIES)))
        for place in range(draw(st.integers(1, 3)))
    )
    total = sum(one.amount_minor for one in lines)
    return Bought(
        draw(st.sampled_from([0, 0, 0, 1, 1, 2, MEMBERS, MEMBERS + 1])),
        draw(st.sampled_from(STORES)),
        lines,
        draw(st.sampled_from([0, 1, 30, 24 * 20, 24 * 40])),
        draw(st.integers(0, total // 3)),
        draw(st.sampled_from([False] * 9 + [True])),
        draw(st.booleans()),
    )


@dataclass(frozen=True)
class Act:
    """One thing that somebody does, to the purchase `number`; `who` and `how` choose among what is possible."""

    kind: str
    number: int
    who: int = 0
    how: int = 0


KINDS = ("buy", "buy", "buy", "return", "return", "return all", "again", "changed", "move", "claim", "name", "accept",
         "spend", "wait", "hold", "hold", "capture", "release", "timeout", "tender", "tender",
         "buy reward", "buy reward", "redeem voucher", "hold voucher", "release voucher", "cancel voucher",
         "sell with voucher", "nightly", "hold reward", "undo")  # fmt: skip
acts = st.builds(Act, st.sampled_from(KINDS), st.integers(0, 3), st.integers(0, MEMBERS - 1), st.integers(0, 500))
MORE_KINDS = (*KINDS, *DEEDS, "open", "event", "event", "checked", "adjust", "merge", "night", "set clock back")
more_acts = st.builds(
    Act, st.sampled_from(MORE_KINDS), st.integers(0, 3), st.integers(0, MEMBERS - 1), st.integers(0, 500)
)
WITH_EVENTS = REWARDED + (
    "events:\n"
    "  - {id: review, event: review, wallet: leaves, points: 30, once_per: [sku], pending: 7 days, cap: {per: month, points: 70}}\n"
    "  - {id: survey, event: review, wallet: stamps, points: 4, pending: {until: checked}}\n"
)


@dataclass
class Shop:
    """The shop while a sequence of acts is played."""

    members: list[str]
    bought: list[Bought]
    stack: ExitStack
    answers: dict[int, Answer] = field(default_factory=dict)
    returns: int = 0
    sales: list[str] = field(default_factory=list)
    """The stores of the sales with vouchers, whose numbers follow 100."""
    redemptions: list[str] = field(default_factory=list)
    paid: dict[int, tuple[int, str]] = field(default_factory=dict)
    """By the number of a purchase: what it was paid with in points, and the redemption."""
    nights: set[tuple[str, date]] = field(default_factory=set)
    """The runs that were done."""

    def play(self, act: Act) -> None:
        """Do it; a refusal must leave everything as it was."""
        before = picture()
        try:
            self._play(act)
        except Busy:
            raise
        except Refusal:
            assert picture() == before, f"{act} was refused, and changed something"

    def _play(self, act: Act) -> None:
        number = act.number % len(self.bought)
        purchase = self.bought[number]
        member = self.members[act.who]
        match act.kind:
            case "buy":
                self._buy(number, purchase)
            case "again":
                self._again(number, purchase)
            case "changed":
                self._changed(number, purchase)
            case "return":
                chosen = purchase.lines[act.how % len(purchase.lines)]
                self._return(number, purchase, {chosen.line_id: 1 + act.how % 3})
            case "return all":
                self._return(number, purchase, None)
            case "move":
                move(f"p{number}", member, purchase.store)
            case "name":
                reference = sold("", member).member
                assert reference is not None
                till = Actor("other-till", "terminal", "tea-house", purchase.store, "t-1")
                done(claims.name_member_in, till, f"p{number}", purchase.store, reference, None)
            case "claim":
                self._claim(number, member)
            case "accept":
                done(claims.accept_in, STAFF, f"p{number}", purchase.store, "looked at")
            case "event" | "checked":
                self._event(act, member)
            case "adjust":
                points = act.how - 250
                adjustments.adjust(
                    STAFF, member, Adjustment(("leaves", "petals", "stamps")[act.how % 3], points, "why")
                )
            case "merge":
                merging.merge(STAFF, member, self.members[act.how % MEMBERS], "one person")
            case "spend":
                spend(member, ("leaves", "petals", "stamps")[act.how % 3], act.how)
            case "buy reward":
                rewards = ("five-off", "tenth-off", "cake")
                redeem_reward(member, rewards[act.how % 3], "a gift" if act.how % 5 == 0 else None)
            case "redeem voucher" | "hold voucher" | "release voucher" | "cancel voucher":
                self._voucher(act.kind, member, act.how, purchase.store)
            case "sell with voucher":
                self.sales.append(purchase.store)
                self._sell(purchase, voucher_codes(member)[: 1 + act.how % 2], act.how)
            case "nightly":
                expire_due(today(), 3)
                release_held(clock.now(), 3)
            case "hold":
                self.redemptions.append(
                    said(redeem(member, 5 * (2 + act.how % 20), capture=act.how % 4 == 0))["redemption_id"]
                )
            case "capture" if self.redemptions:
                capture(self._redemption(act), 5 * (act.how % 25) or None)
            case "release" if self.redemptions:
                release(self._redemption(act))
            case "hold reward":
                self.redemptions.append(hold_reward(member, ("five-off", "tenth-off")[act.how % 2])["redemption_id"])
            case "undo" if self.redemptions:
                release(self._redemption(act), STAFF, "the sale never came")
            case "timeout":
                self._time_out()
            case "tender" if self.redemptions and number not in self.answers:
                self.paid[number] = (5 * (2 + act.how % 20), self._redemption(act))
                self._buy(number, purchase)
            case "wait":
                self.stack.enter_context(clock.frozen(clock.now() + timedelta(hours=act.how % 400)))
            case "set clock back":
                self.stack.enter_context(clock.frozen(clock.now() - timedelta(hours=act.how % 50)))
            case "night":
                self.run_nights()
            case deed if deed in DEEDS:
                do(deed, member, act.how)

    def run_nights(self) -> None:
        """Run the nights that are missing: none of them was run before, whatever the clock did."""
        for run in nights.run("night"):
            if run.status == "done":
                assert (run.job, run.day) not in self.nights
                self.nights.add((run.job, run.day))

    def _redemption(self, act: Act) -> str:
        return self.redemptions[act.who % len(self.redemptions)]

    def _time_out(self) -> None:
        due = "SELECT 1 FROM redemptions WHERE status = 'held' AND expires_at <= :now"
        now = (
            clock.now()
            if has_one_writer() is False
            else clock.now().replace(tzinfo=None).isoformat(" ", "microseconds")
        )
        assert redemptions.time_out_holds(clock.now(), 100) == len(rows(due, now=now))
        assert redemptions.time_out_holds(clock.now(), 100) == 0

    def _posted(self, number: int, purchase: Bought) -> PostedPurchase:
        posted = purchase.posted(number, self.members)
        return paid_with(posted, self.paid[number]) if number in self.paid else posted

    def _buy(self, number: int, purchase: Bought) -> None:
        if number in self.answers:
            self._again(number, purchase)
        else:
            self.answers[number] = post(self._posted(number, purchase))

    def _again(self, number: int, purchase: Bought) -> None:
        """The same purchase again, at another time of day, changes nothing."""
        if number not in self.answers:
            return
        before = dump()
        again = post(self._posted(number, replace(purchase, hours_ago=purchase.hours_ago + 1)))
        assert again.replayed
        assert dump() == before
        if not self._moved(number, purchase):
            assert again.body == self.answers[number].body

    def _moved(self, number: int, purchase: Bought) -> bool:
        """Tell whether the purchase got its member, or another one, after it was posted."""
        key = f"{purchase.store}/p{number}"
        held = rows("SELECT member_id FROM purchase_keys WHERE purchase_key = :key", key=key)[0]["member_id"]
        first = said(self.answers[number]).get("member_id")
        moved = rows("SELECT 1 FROM purchases WHERE purchase_key = :key AND status = 'moved'", key=key)
        return bool(moved) or str(held) != str(first)

    def _changed(self, number: int, purchase: Bought) -> None:
        """Another purchase under the same number is refused."""
        if number not in self.answers:
            return
        other = replace(purchase, lines=(*purchase.lines, line("other")))
        with pytest.raises(Refusal, match="posted before with other content"):
            post(self._posted(number, other))
        raise Refusal("expected", "as it should be")

    def _return(self, number: int, purchase: Bought, units: dict[str, int] | None) -> None:
        """A return, and the same once more."""
        reference = f"x{self.returns}"
        self.returns += 1
        first = take_return(f"p{number}", reference, units, purchase.store)
        before = dump()
        assert take_return(f"p{number}", reference, units, purchase.store).body == first.body
        assert dump() == before

    def _sell(self, purchase: Bought, codes: list[str], how: int) -> None:
        """A sale from which vouchers were taken off, and what of it comes back."""
        number = 100 + len(self.sales)
        sale = replace(purchase, disagrees=False).posted(number, self.members)
        post(replace(sale, vouchers=tuple(codes)))
        if how % 3:
            units = None if how % 3 == 1 else {purchase.lines[0].line_id: 1}
            take_return(f"p{number}", "x", units, purchase.store)

    def _voucher(self, kind: str, member: str, how: int, store: str) -> None:
        codes = voucher_codes(member)
        if not codes:
            return
        code = codes[how % len(codes)]
        till = Actor("a-till", "terminal", "tea-house", store, "t-1")
        use = {"actor": till, "code": code, "purchase_id": None if how % 2 else "p1", "store_id": None}
        match kind:
            case "redeem voucher":
                in_transaction(partial(redeem_in, **use))
            case "hold voucher":
                in_transaction(partial(hold_in, length=timedelta(hours=1), **use))
            case "release voucher":
                in_transaction(partial(release_in, **use))
            case _:
                in_transaction(partial(cancel_in, actor=STAFF, code=code, reason="printed twice"))

    def _event(self, act: Act, member: str) -> None:
        """An event, and the same once more; or one that lets the points of an earlier one mature."""
        event_id, of = f"{act.kind}{act.number}", f"event{act.number}" if act.kind == "checked" else None
        name = "checked" if act.kind == "checked" else "review"
        event = Event(event_id, name, NOON - timedelta(days=act.number), {"sku": f"S{act.how % 2}"}, of)
        first = events.post(STAFF, member, event)
        before = dump()
        assert events.post(STAFF, member, event).body == first.body
        assert dump() == before

    def _claim(self, number: int, member: str) -> None:
        if code := said(self.answers[number]).get("claim_code") if number in self.answers else None:
            done(claims.claim_in, Actor("app", "member", member_id=member), code)


@pytest.fixture
def frozen() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        FrozenClock(stack, NOON)
        yield stack


def _play(bought: list[Bought], acts: list[Act], stack: ExitStack, text: str = REWARDED) -> Shop:
    stack.enter_context(clock.frozen(NOON))
    shop = Shop(open_shop(text, members=MEMBERS), bought, stack)
    for act in acts:
        shop.play(act)
    # Waits may have been long, and no night has been since: what it forgets is not what these tests are about.
    parking.forget_names()
    return shop


@bounded
@given(st.lists(bought(), min_size=2, max_size=4), st.lists(acts, min_size=4, max_size=16))
def test_whatever_happens_in_whatever_order_the_audit_finds_nothing(
    app: Flask, frozen: ExitStack, bought: list[Bought], acts: list[Act]
) -> None:
    _play(bought, acts, frozen)
    assert_clean()


PLAIN = Bought(0, "s-1", (line(),), 0, 0, False, True)
AT_THE_DESK = [
    *(Act("open", 0, who, how) for who, how in ((0, 31), (0, 45), (1, 121), (1, 7))),
    Act("level", 0, 0, 1),
    Act("buy", 0),
    Act("suspend", 0, 0),
    Act("buy", 1),
    Act("hold", 0, 0, 1),
    Act("wait", 0, 0, 24 * 9),
    Act("night", 0),
    Act("reinstate", 0, 0),
    Act("reinstate", 0, 1),
    Act("resume", 0, 0),
    Act("accept", 1),
    Act("merge", 0, 1, 0),
    Act("reinstate", 0, 0, 1),
    Act("return all", 0),
    Act("wait", 0, 0, 399),
    Act("night", 0),
]
"""Each deed of the desk where it has something to do: what is brought in lapses, and is given back."""


@bounded
@example([PLAIN, PLAIN], AT_THE_DESK)
@given(st.lists(bought(), min_size=2, max_size=4), st.lists(more_acts, min_size=6, max_size=20))
def test_events_adjustments_and_merges_among_it_make_no_points_and_lose_none(
    app: Flask, frozen: ExitStack, bought: list[Bought], acts: list[Act]
) -> None:
    with telling(app, target("http://127.0.0.1:9/hook")):
        _play(bought, acts, frozen, WITH_EVENTS)
    assert_clean()
    told = [(one["member_id"], one["payload"]["seq"]) for one in outbox() if "seq" in one["payload"]]
    booked_once = [(str(row["member_id"]), row["seq"]) for row in rows("SELECT member_id, seq FROM ledger_entries")]
    assert sorted(told) == sorted(booked_once), "each entry has its event"
    for row in rows(
        "SELECT wallet, SUM(available + pending + held - debt) AS has FROM accounts GROUP BY wallet ORDER BY wallet"
    ):
        booked = rows(
            "SELECT SUM(points + forgiven) AS points FROM ledger_entries WHERE wallet = :wallet AND kind NOT IN"
            " ('transfer_in', 'transfer_out')",
            wallet=row["wallet"],
        )
        assert int(row["has"]) == int(booked[0]["points"] or 0)


@settings(bounded, max_examples=max(10, EXAMPLES // 2))
@given(st.lists(bought(), min_size=1, max_size=4), st.lists(acts, max_size=10))
def test_a_full_return_of_everything_leaves_exactly_nothing_of_the_purchases(
    app: Flask, frozen: ExitStack, bought: list[Bought], acts: list[Act]
) -> None:
    shop = _play(bought, acts, frozen)
    for number, purchase in enumerate(bought):
        _return_what_is_left(shop, number, purchase.store)
    for number, store in enumerate(shop.sales, start=101):
        _return_what_is_left(shop, number, store)
    assert_clean()
    assert not rows(
        "SELECT * FROM vouchers WHERE status = 'redeemed' AND posting_id IN (SELECT posting_id FROM purchases WHERE status = 'posted')"
    )
    kinds = "('redemption', 'restoration', 'expiry')"
    points = rows(
        f"SELECT SUM(points) AS points FROM ledger_entries WHERE kind NOT IN {kinds} GROUP BY member_id, wallet"
    )
    assert all(row["points"] == 0 for row in points)
    assert not rows("SELECT * FROM redemptions WHERE posting_id IS NOT NULL AND restored <> captured")
    for table, column in (("qualifying_days", "amount"), ("cap_uses", "used"), ("budgets", "used")):
        assert not rows(f"SELECT * FROM {table} WHERE {column} <> 0")


def _return_what_is_left(shop: Shop, number: int, store: str) -> None:
    code = ""
    try:
        take_return(f"p{number}", "the-rest", None, store)
    except Refusal as refusal:
        code = refusal.code
    assert code in ("", "nothing_left_to_return", "return_differs")


@settings(bounded, max_examples=max(8, EXAMPLES // 3))
@given(bought(), st.integers(0, 400), st.data())
def test_returns_agree_in_whatever_order_they_are_made(
    app: Flask, frozen: ExitStack, bought: Bought, spent: int, data: st.DataObject
) -> None:
    """Members with the same history bring the same units back, one by one, each in an order of its own."""
    frozen.enter_context(clock.frozen(NOON))
    units = [one.line_id for one in bought.lines for _ in range(one.quantity or 1)]
    back = data.draw(st.lists(st.sampled_from(range(len(units))), unique=True, min_size=1, max_size=4))
    orders = data.draw(st.lists(st.sampled_from(list(permutations(back))), min_size=2, max_size=3))
    members = open_shop(_without_budget(), members=len(orders))
    states: list[Any] = []
    for number, (member, order) in enumerate(zip(members, orders, strict=True)):
        post(sold(f"before-{number}", member))
        mine = replace(bought, disagrees=False, hours_ago=1).posted(number, [member] * MEMBERS)
        post(replace(mine, member=sold("", member).member))
        spend(member, "leaves", spent)
        for place, unit in enumerate(order):
            take_return(f"p{number}", f"x{place}", {units[unit]: 1}, bought.store)
        states.append((figures(member), _kept(member)))
    assert_clean()
    assert all(state == states[0] for state in states)


def _without_budget() -> str:
    """A budget over everyone would give the second member less than the first."""
    return "".join(one for one in TEA_CLUB.splitlines(keepends=True) if "petals-for-all" not in one)


def _kept(member: str) -> list[dict[str, Any]]:
    query = "SELECT kept, left_units, cap_use, granted FROM purchases WHERE member_id = :member ORDER BY posting_id"
    return rows(query, member=member)


def _balances(answer: Answer) -> dict[str, tuple[int, ...]]:
    names = ("available", "pending", "held", "debt")
    return {one["wallet"]: tuple(one[name] for name in names) for one in said(answer)["balances"]}


def test_a_purchase_tells_the_balances_after_the_returns_that_waited_for_it(app: Flask, frozen: ExitStack) -> None:
    ann, ben, _ = open_shop()
    post(sold("before", ann))
    post(sold("before-ben", ben))
    take_return("p1", "x1", {"1": 1})
    bought = sold("p1", ann)
    answer = post(bought)
    assert _balances(answer) == figures(ann)
    again = post(bought)
    assert (again.replayed, again.body) == (True, answer.body)
    moved = move("p1", ben)
    assert _balances(moved) == figures(ben)
    nobody = sold("p2", None)
    code = said(post(nobody))["claim_code"]
    take_return("p2", "x2")
    claimed = done(claims.claim_in, Actor("app", "member", member_id=ann), code)
    assert _balances(claimed) == figures(ann)
    assert said(claimed)["tier"]["next"] == said(post(sold("p3", ann, line(amount=0))))["tier"]["next"]
    assert_clean()


def test_a_parked_purchase_does_not_take_more_back_than_it_has(app: Flask, frozen: ExitStack) -> None:
    ann, *_ = open_shop()
    take_return("p1", "too-much", {"1": 9})
    code = said(post(sold("p1", None, line(quantity=3))))["claim_code"]
    before = dump()
    for units in ({"1": 4}, {"2": 1}, {"1": 0}):
        with pytest.raises(Refusal) as refused:
            take_return("p1", "x1", units)
        assert refused.value.code == "return_exceeds_purchase"
    assert dump() == before
    first = take_return("p1", "x1", {"1": 2})
    with pytest.raises(Refusal, match="does not fit what is left"):
        take_return("p1", "x2", {"1": 2})
    assert take_return("p1", "x1", {"1": 2}).body == first.body
    take_return("p1", "x3", {"1": 1})
    with pytest.raises(Refusal, match="has come back already"):
        take_return("p1", "x4")
    done(claims.claim_in, Actor("app", "member", member_id=ann), code)
    assert rows("SELECT left_units FROM purchases") == [{"left_units": '{"1":0}'}]
    assert_clean()


def test_a_clock_that_jumps_back_and_forth_leaves_the_order_of_booking(app: Flask, frozen: ExitStack) -> None:
    """Whatever the clock says, entries are booked one after the other; a night that was run is not run again."""
    shop = Shop(open_shop(WITH_EVENTS, members=MEMBERS), [], frozen)
    ann = shop.members[0]
    for hours in (0, 24, -24, 48, -30, 1, 24 * 40, -24 * 39, 24 * 2, -1):
        frozen.enter_context(clock.frozen(clock.now() + timedelta(hours=hours)))
        post(sold(f"p{hours}", ann))
        redeem(ann, 10)
        shop.run_nights()
    booked = [row["booked_at"] for row in rows("SELECT booked_at FROM ledger_entries ORDER BY seq")]
    assert booked == sorted(booked)
    assert len(set(booked)) > 3
    assert_clean()
