"""Vouchers from their issue to their end: bought, automatic, of a level, given; used on purchases, back with returns."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine import clock
from loyalty_engine.services import (
    claims,
    codes,
    idempotency,
    member_changes,
    programmes,
    purchase_batches,
    quotes,
    reward_redemptions,
    vouchers,
)
from loyalty_engine.services import voucher_issuing as issuing
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.intake import MemberReference, RedemptionRequest
from loyalty_engine.services.jobs.kinds import Night, by_calls
from loyalty_engine.services.purchase_batches import post_many
from loyalty_engine.services.voucher_cancelling import cancel_in
from loyalty_engine.services.voucher_endings import expire_due, release_held
from loyalty_engine.services.voucher_redeeming import hold_in, redeem_in, release_in
from loyalty_engine.store import vouchers as voucher_store
from loyalty_engine.store.session import in_transaction
from rules.errors import Refusal
from tests.builders import ADMIN, STAFF, TILL, done, open_store, publish
from tests.conftest import NOON, FrozenClock
from tests.ledger import (
    REWARDED,
    assert_clean,
    dump,
    figures,
    line,
    move,
    open_shop,
    post,
    redeem_reward,
    rows,
    said,
    sold,
    take_return,
    today,
    voucher_codes,
)
from tests.services.test_ledger_properties import EXAMPLES, bounded

pytestmark = pytest.mark.usefixtures("frozen_clock")
MEMBER = "SELECT * FROM vouchers ORDER BY voucher_id"


def states() -> list[str]:
    return [row["status"] for row in rows(MEMBER)]


def redeem(code: str, purchase: str | None = None) -> dict[str, Any]:
    work = partial(redeem_in, actor=TILL, code=code, purchase_id=purchase, store_id=None)
    return said(in_transaction(work))


def hold(code: str, purchase: str | None = None) -> dict[str, Any]:
    length = timedelta(minutes=15)
    return said(
        in_transaction(partial(hold_in, actor=TILL, code=code, purchase_id=purchase, store_id=None, length=length))
    )


def release(code: str, purchase: str | None = None) -> dict[str, Any]:
    return said(in_transaction(partial(release_in, actor=TILL, code=code, purchase_id=purchase, store_id=None)))


def cancel(code: str) -> dict[str, Any]:
    return said(in_transaction(partial(cancel_in, actor=STAFF, code=code, reason="printed twice")))


def refused(work: Any, *arguments: Any) -> str:
    """Return the code with which something is refused; nothing may change."""
    before = dump()
    with pytest.raises(Refusal) as caught:
        work(*arguments)
    assert dump() == before
    return caught.value.code


def rich(members: int = 1, points: int = 200) -> list[str]:
    """Open the shop with members who have so many leaves each, at a level with a benefit, and no stamps."""
    found = open_shop(REWARDED, members)
    for number, member in enumerate(found):
        post(sold(f"rich-{number}", member, line(amount=points * 100, category="cake"), at=NOON - timedelta(days=2)))
    return found


def test_a_reward_is_bought_and_is_a_voucher(app: Flask) -> None:
    (ann,) = rich()
    before = figures(ann)["leaves"]
    told = redeem_reward(ann, "five-off")
    voucher = told["voucher"]
    assert (told["by"], told["points"], voucher["status"]) == ("redemption", 100, "issued")
    assert voucher["valid_through"] == "2026-12-22"
    assert voucher["worth"]["en"] == "5.00 CNY off, for goods of at least 10.00 CNY"
    assert figures(ann)["leaves"][0] == before[0] - 100
    assert codes.normal_code(voucher["code"]) == voucher["code"]
    looked = vouchers.look_up(f" {voucher['code'].lower().replace('-', ' ')}")
    assert looked["code"] == voucher["code"]
    assert ann not in str(looked)
    assert_clean()


def test_limits_levels_stock_and_balance_refuse_with_what_would_work(app: Flask) -> None:
    ann, ben, cleo = rich(3, 900)
    redeem_reward(ann, "five-off")
    redeem_reward(ann, "five-off")
    assert refused(redeem_reward, ann, "five-off") == "reward_limit_reached"
    redeem_reward(ben, "five-off")
    redeem_reward(ben, "five-off")
    assert refused(redeem_reward, cleo, "five-off") == "reward_out_of_stock"
    assert refused(redeem_reward, cleo, "ten-off") == "reward_unknown"
    with clock.frozen(NOON + timedelta(days=9)):  # the first of the month after
        assert refused(redeem_reward, ann, "five-off") == "reward_out_of_stock"
    (poor,) = open_shop(REWARDED, 1)
    assert refused(redeem_reward, poor, "five-off") == "insufficient_points"
    assert refused(redeem_reward, poor, "tenth-off") == "reward_not_for_level"
    assert refused(redeem_reward, poor, "cake") == "reward_not_for_sale"
    assert_clean()


def test_a_level_gives_its_benefit_so_often_a_period(app: Flask) -> None:
    (ann,) = rich()
    told = redeem_reward(ann, "cake")
    assert (told["by"], told["points"], told["wallet"]) == ("benefit", 0, None)
    assert refused(redeem_reward, ann, "cake") == "reward_limit_reached"
    with clock.frozen(NOON.replace(day=30, hour=15, minute=59)):
        assert refused(redeem_reward, ann, "cake") == "reward_limit_reached"
    with clock.frozen(NOON.replace(day=30, hour=16)):  # midnight in Shanghai
        assert redeem_reward(ann, "cake")["voucher"]["valid_through"] == "2026-12-15"
    assert_clean()


def test_only_staff_give_a_reward_away_and_say_why(app: Flask) -> None:
    (ann,) = open_shop(REWARDED, 1)
    me = Actor("me", "member", member_id=ann)
    assert refused(redeem_reward, ann, "cake", "please", me) == "reward_not_for_sale"
    assert refused(redeem_reward, ann, "cake", None, STAFF) == "reward_not_for_sale"
    told = redeem_reward(ann, "five-off", "the coffee was cold", STAFF)
    assert (told["by"], told["points"]) == ("gift", 0)
    assert rows("SELECT reason FROM vouchers")[0]["reason"] == "the coffee was cold"
    assert rows("SELECT actor FROM audit_log WHERE action = 'voucher.gift'")[0]["actor"] == str(STAFF)
    stranger = Actor("other", "member", member_id="01a2b3c4-0000-7000-8000-000000000000")
    assert refused(redeem_reward, ann, "five-off", None, stranger) == "member_not_found"
    assert_clean()


def test_a_full_card_is_a_voucher_at_once(app: Flask) -> None:
    (ann,) = open_shop(REWARDED, 1)
    first = said(post(sold("p1", ann, line(quantity=3))))
    assert first["vouchers_issued"] == []
    second = said(post(sold("p2", ann, line(quantity=3))))
    (voucher,) = second["vouchers_issued"]
    assert (voucher["reward"], voucher["valid_through"]) == ("sixth-cup", "2027-01-21")
    assert figures(ann)["stamps"][0] == 3 + 2 + 3 - 6
    assert next(one for one in second["balances"] if one["wallet"] == "stamps")["available"] == 2
    assert post(sold("p2", ann, line(quantity=3))).replayed
    assert states() == ["issued"]
    assert rows("SELECT kind, source_kind FROM ledger_entries WHERE wallet = 'stamps' AND points < 0") == [
        {"kind": "redemption", "source_kind": "automatic"}
    ]
    assert_clean()


def test_a_card_that_fills_twice_is_two_vouchers(app: Flask) -> None:
    (ann,) = open_shop(REWARDED.replace("points: 5}", "points: 50}"), 1)
    told = said(post(sold("p1", ann, line(quantity=11))))
    assert len(told["vouchers_issued"]) == 2
    assert figures(ann)["stamps"][0] == 11 + 2 - 12
    assert_clean()


def test_an_automatic_reward_keeps_its_stock_and_its_limit(app: Flask) -> None:
    limited = REWARDED.replace("automatic: true", "automatic: true, stock: 3, per_member: {per: ever, times: 2}")
    ann, ben = open_shop(limited.replace("points: 5}", "points: 50}"), 2)
    assert len(said(post(sold("p1", ann, line(quantity=40))))["vouchers_issued"]) == 2
    assert len(said(post(sold("p2", ben, line(quantity=40))))["vouchers_issued"]) == 1
    assert figures(ben)["stamps"][0] == 42 - 6
    assert_clean()


def test_a_purchase_brings_no_flood_of_vouchers(app: Flask) -> None:
    (ann,) = open_shop(REWARDED.replace("points: 6, wallet: stamps", "points: 1, wallet: leaves"), 1)
    assert len(said(post(sold("p1", ann, line(amount=20_000))))["vouchers_issued"]) == 50
    assert_clean()


def test_a_return_of_what_filled_a_card_is_a_reversal_like_any_other(app: Flask) -> None:
    (ann,) = open_shop(REWARDED, 1)
    post(sold("p1", ann, line(quantity=5)))
    take_return("p1", "x1")
    assert states() == ["issued"]
    assert figures(ann)["stamps"] == (0, 0, 0, 0)
    assert rows("SELECT SUM(forgiven) AS forgiven FROM ledger_entries WHERE wallet = 'stamps'") == [{"forgiven": 6}]
    assert_clean()


def test_a_voucher_on_a_purchase_is_redeemed_with_it(app: Flask) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    typed = code.lower().replace("0", "o").replace("1", "l").replace("-", " ")
    bought = sold("p1", ann, line(amount=4_000), line("2", 1, 1_000, "cake"), order_discount=500, vouchers=(typed,))
    told = said(post(bought))
    assert told["vouchers_redeemed"] == [
        {
            "code": code,
            "reward": "five-off",
            "worth": "5.00",
            "lines": [{"line_id": "1", "off": "4.00"}, {"line_id": "2", "off": "1.00"}],
        }
    ]
    (row,) = rows(MEMBER)
    assert (row["status"], row["worth_minor"]) == ("redeemed", 500)
    before = dump()
    again = post(bought)
    assert (again.replayed, said(again)) == (True, told)
    assert dump() == before
    second = said(post(sold("p2", ann, vouchers=(code,))))
    assert (second["status"], second["reason"]) == ("unresolved", "voucher_unusable")
    assert_clean()


def test_a_voucher_comes_back_when_every_line_it_touched_has(app: Flask) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    lines = (line(amount=4_000), line("2", 1, 1_000, "cake"))
    post(sold("p1", ann, *lines, order_discount=500, vouchers=(code,)))
    assert said(take_return("p1", "x1", {"1": 2}))["vouchers_returned"] == []
    with clock.frozen(NOON + timedelta(days=10)):
        told = said(take_return("p1", "x2", {"2": 1}))
        assert told["vouchers_returned"] == [{"code": code, "reward": "five-off", "valid_through": "2027-01-01"}]
        assert said(take_return("p1", "x2", {"2": 1})) == told
        assert states() == ["issued"]
        assert_clean()
        post(sold("p2", ann, *lines, order_discount=500, vouchers=(code,)))
    assert states() == ["redeemed"]
    assert_clean()


def test_a_free_unit_touches_its_own_line_only(app: Flask) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "cake")["voucher"]["code"]
    cake = line("cake", 1, 0, "cake")
    posted = sold("p1", ann, line(), cake, vouchers=(code,))
    assert said(post(posted))["vouchers_redeemed"][0]["lines"] == [{"line_id": "cake", "off": "0.00"}]
    assert said(take_return("p1", "x1", {"cake": 1}))["vouchers_returned"][0]["code"] == code
    assert_clean()


def test_a_return_that_waited_brings_the_voucher_back_with_its_purchase(app: Flask) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    take_return("p1", "x1")
    post(sold("p1", ann, order_discount=500, vouchers=(code,)))
    assert states() == ["issued"]
    assert_clean()


def test_another_members_voucher_makes_the_purchase_wait_and_stays_theirs(app: Flask) -> None:
    ann, ben = rich(2)
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    own = redeem_reward(ben, "five-off")["voucher"]["code"]
    told = said(post(sold("p1", ben, vouchers=(code, own))))
    assert (told["status"], told["reason"]) == ("unresolved", "voucher_unusable")
    assert states() == ["issued", "redeemed"]
    assert said(post(sold("p1", ben, vouchers=(code, own)))) == told
    done(claims.accept_in, STAFF, "p1", "s-1", "it was the family's")
    found = rows("SELECT status, posting_id FROM vouchers ORDER BY voucher_id")
    assert [(row["status"], row["posting_id"] is not None) for row in found] == [("issued", False), ("redeemed", True)]
    assert_clean()


@pytest.mark.parametrize("code", ["0000-0000-0000-0", "0000-0000-0000-1", "NONSENSE", "x"])
def test_an_unknown_code_on_a_purchase_makes_it_wait(app: Flask, code: str) -> None:
    (ann,) = rich()
    assert said(post(sold("p1", ann, vouchers=(code,))))["reason"] == "voucher_unusable"
    assert_clean()


@pytest.mark.parametrize(("days", "status"), [(29, "posted"), (30, "posted"), (31, "unresolved")])
def test_the_day_of_the_purchase_decides_whether_a_voucher_was_good(app: Flask, days: int, status: str) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    with clock.frozen(NOON + timedelta(days=45)):
        assert expire_due(today()) == 1
        posted = sold("p1", ann, at=NOON + timedelta(days=days), vouchers=(code,))
        assert said(post(posted))["status"] == status
        assert states() == ["redeemed" if status == "posted" else "expired"]
        assert_clean()


def test_a_sale_without_a_member_uses_its_voucher_up(app: Flask) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    nobody = said(post(sold("p1", None, vouchers=(code,))))
    assert nobody["status"] == "unclaimed"
    assert states() == ["redeemed"]
    assert said(post(sold("p2", ann, vouchers=(code,))))["reason"] == "voucher_unusable"
    done(claims.claim_in, Actor("app", "member", member_id=ann), nobody["claim_code"])
    assert rows("SELECT worth_minor FROM vouchers") == [{"worth_minor": 500}]
    assert said(take_return("p1", "x1"))["vouchers_returned"][0]["code"] == code
    assert_clean()


def test_a_purchase_that_moves_leaves_its_voucher_used(app: Flask) -> None:
    ann, ben = rich(2)
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    post(sold("p1", ann, vouchers=(code,)))
    move("p1", ben)
    assert states() == ["redeemed"]
    assert_clean()
    move("p1", ann)
    assert said(take_return("p1", "x1"))["vouchers_returned"][0]["code"] == code
    assert_clean()


def test_refusals_of_rewards_and_vouchers_say_what_would_work(app: Flask) -> None:
    (ann,) = open_shop(REWARDED, 1)
    post(sold("p1", ann, line(amount=14_000, category="cake")))
    for reward, code, words in (
        ("cake", "reward_not_for_sale", "five-off, tenth-off, sixth-cup"),
        ("tenth-off", "reward_not_for_level", "gold, silver"),
    ):
        with pytest.raises(Refusal) as caught:
            redeem_reward(ann, reward, actor=TILL)
        assert caught.value.code == code
        assert words in caught.value.errors["reward"][0]
    voucher = redeem_reward(ann, "five-off")["voucher"]["code"]
    redeem(voucher)
    with pytest.raises(Refusal) as caught:
        redeem(voucher)
    assert caught.value.errors == {
        "code": ["ask for another voucher; this one comes back when all goods that it touched do"]
    }


def test_a_voucher_is_redeemed_once(app: Flask) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "cake")["voucher"]["code"]
    assert redeem(code)["status"] == "redeemed"
    assert refused(redeem, code) == "voucher_redeemed"
    assert refused(hold, code) == "voucher_redeemed"
    assert refused(cancel, code) == "voucher_ended"
    assert refused(release, code) == "voucher_not_held"
    assert_clean()


def test_a_voucher_redeemed_for_a_purchase_is_the_purchases(app: Flask) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    told = redeem(code, "p1")
    assert redeem(code, "p1") == told
    assert refused(redeem, code, "p2") == "voucher_redeemed"
    assert said(post(sold("p1", ann, vouchers=(code,))))["status"] == "posted"
    assert rows("SELECT worth_minor FROM vouchers") == [{"worth_minor": 500}]
    assert_clean()


@pytest.mark.parametrize(("hours", "posts"), [(-12.1, False), (-12, True), (11.9, True), (12, False)])
def test_a_voucher_redeemed_without_a_purchase_is_that_of_the_days_sale_that_names_it(
    app: Flask, frozen_clock: FrozenClock, hours: float, posts: bool
) -> None:
    """It is noon."""
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    redeem(code)
    sale = sold("p1", ann, vouchers=(code,), at=NOON + timedelta(hours=hours))
    frozen_clock.move(timedelta(hours=max(hours, 0)))
    told = said(post(sale))
    assert (told["status"], told.get("reason")) == (("posted", None) if posts else ("unresolved", "voucher_unusable"))
    assert said(post(sale)) == told
    if posts:
        assert told["vouchers_redeemed"][0]["worth"] == "5.00"
        assert said(post(sold("p2", ann, vouchers=(code,))))["reason"] == "voucher_unusable"
        assert [one["code"] for one in said(take_return("p1", "r1"))["vouchers_returned"]] == [code]
    assert_clean()


def test_neither_another_members_sale_nor_another_merchants_takes_what_was_redeemed(app: Flask) -> None:
    ann, ben = rich(2)
    open_store("s-9", "t-9", "cake-house")
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    redeem(code)
    assert said(post(sold("p1", ben, vouchers=(code,))))["reason"] == "voucher_unusable"
    there = replace(sold("p2", ann, vouchers=(code,), store="s-9"), terminal="t-9")
    assert said(post(there))["reason"] == "voucher_unusable"
    assert said(post(sold("p3", ann, vouchers=(code,))))["status"] == "posted"
    assert_clean()


def test_a_sale_that_waits_keeps_what_was_redeemed_before_it(app: Flask) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    redeem(code)
    assert said(post(sold("p1", ann, vouchers=(code,), paid=1)))["reason"] == "sums_disagree"
    assert said(post(sold("p2", ann, vouchers=(code,))))["reason"] == "voucher_unusable"
    told = said(done(claims.accept_in, STAFF, "p1", "s-1", "seen on the tape"))
    assert told["vouchers_redeemed"][0]["worth"] == "5.00"
    assert_clean()


def test_a_held_voucher_is_for_its_purchase_until_its_time_is_over(app: Flask, frozen_clock: FrozenClock) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    assert hold(code, "p1")["held_until"] == (clock.now() + timedelta(minutes=15)).isoformat()
    assert refused(redeem, code, "p2") == refused(redeem, code) == refused(release, code) == "voucher_held"
    assert release(code, "p1")["status"] == "issued"
    hold(code, "p1")
    frozen_clock.move(timedelta(minutes=15) - timedelta(microseconds=1))
    assert refused(hold, code, "p2") == "voucher_held"
    assert release_held(clock.now()) == 0
    frozen_clock.move(timedelta(microseconds=1))
    assert vouchers.look_up(code)["status"] == "issued"
    assert hold(code, "p2")["status"] == "held"
    assert_clean()
    frozen_clock.move(timedelta(days=31))
    assert expire_due(today()) == 0
    assert vouchers.look_up(code)["status"] == "expired"
    assert refused(redeem, code, "p2") == "voucher_expired"
    assert release_held(clock.now()) == 1
    assert states() == ["expired"]
    assert_clean()


def test_vouchers_expire_the_day_after_their_last_in_batches(app: Flask) -> None:
    ann, ben = rich(2)
    for member in (ann, ben):
        redeem_reward(member, "five-off")
    for day, expired in ((date(2026, 12, 21), 0), (date(2026, 12, 22), 0), (date(2026, 12, 23), 1)):
        assert expire_due(day, 1) == expired
    assert [expire_due(date(2026, 12, 23), 5) for _ in range(2)] == [1, 0]
    assert states() == ["expired", "expired"]
    assert_clean()


def test_one_that_somebody_used_meanwhile_does_not_end_the_night(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    found = rich(3)
    for member in found:
        redeem_reward(member, "five-off")
    places = voucher_store.ended

    def overtaken(connection: Any, before: date, limit: int) -> list[voucher_store.Place]:
        due = places(connection, before, limit)
        voucher_store.change(connection, due[0], ("issued",), status="redeemed", redeemed_at=clock.now())
        monkeypatch.setattr(voucher_store, "ended", places)
        return due

    monkeypatch.setattr(voucher_store, "ended", overtaken)
    steps = by_calls("vouchers", expire_due, limit=2).steps(Night(date(2027, 1, 1), clock.now(), None), "")  # type: ignore[arg-type]
    assert [step.size for step in steps] == [2, 1]
    assert sorted(states()) == ["expired", "expired", "redeemed"]


@pytest.mark.parametrize(("days", "code"), [(29, None), (30, None), (31, "voucher_ended")])
def test_a_voucher_is_cancelled_until_its_last_day_whether_or_not_the_night_was_run(
    app: Flask, frozen_clock: FrozenClock, days: int, code: str | None
) -> None:
    (ann,) = rich()
    voucher = redeem_reward(ann, "five-off")["voucher"]["code"]
    frozen_clock.move(timedelta(days=days))
    if code is None:
        assert cancel(voucher)["points_restored"] == 100
    else:
        assert refused(cancel, voucher) == code
        expire_due(today())
        assert refused(cancel, voucher) == code
    assert_clean()


@pytest.mark.parametrize(
    ("minutes", "code"), [(14, "voucher_held"), (15, "voucher_not_held"), (20, "voucher_not_held")]
)
def test_a_hold_that_is_over_holds_nothing_to_release(
    app: Flask, frozen_clock: FrozenClock, minutes: int, code: str
) -> None:
    (ann,) = rich()
    voucher = redeem_reward(ann, "five-off")["voucher"]["code"]
    hold(voucher, "p1")
    frozen_clock.move(timedelta(minutes=minutes))
    assert refused(release, voucher) == code
    assert_clean()


def test_a_cancelled_voucher_gives_back_what_it_took(app: Flask) -> None:
    (ann,) = rich()
    before = figures(ann)
    told = redeem_reward(ann, "five-off")
    back = cancel(told["voucher"]["code"])
    assert (back["status"], back["points_restored"]) == ("cancelled", 100)
    assert figures(ann) == before
    assert rows("SELECT issued FROM reward_stock WHERE reward_id = 'five-off'") == [{"issued": 0}]
    assert rows("SELECT used FROM limit_uses WHERE limit_id LIKE 'reward/%'") == [{"used": 0}]
    assert rows("SELECT restored FROM redemptions") == [{"restored": 100}]
    assert refused(cancel, told["voucher"]["code"]) == "voucher_ended"
    assert refused(redeem, told["voucher"]["code"]) == "voucher_cancelled"
    cake = redeem_reward(ann, "cake")["voucher"]["code"]
    assert cancel(cake)["points_restored"] == 0
    redeem_reward(ann, "cake")
    assert rows("SELECT detail FROM audit_log WHERE action = 'voucher.cancel'")[0]["detail"].count("printed twice") == 1
    assert_clean()


@pytest.mark.parametrize(
    ("days", "end"), [(0, "2027-11-30"), (340, "2027-11-30"), (343, "2027-11-30"), (344, "2027-12-01")]
)
def test_what_a_cancelled_voucher_cost_is_good_for_30_days_at_least(app: Flask, days: int, end: str) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "tenth-off")["voucher"]["code"]
    with clock.frozen(NOON + timedelta(days=days)):
        cancel(code)
    (lot,) = rows("SELECT expires_on FROM lots WHERE source_kind = 'cancellation'")
    assert str(lot["expires_on"]) == end
    assert_clean()


def test_what_comes_back_pays_a_debt_first(app: Flask) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    take_return("rich-0", "x1")
    assert figures(ann)["leaves"][3] == 100
    cancel(code)
    assert figures(ann)["leaves"] == (0, 0, 0, 0)
    assert_clean()


def test_a_cancelled_stamp_card_is_full_again_with_the_next_purchase(app: Flask) -> None:
    (ann,) = open_shop(REWARDED, 1)
    post(sold("p1", ann, line(quantity=5)))
    cancel(voucher_codes(ann)[0])
    assert figures(ann)["stamps"][0] == 7
    assert len(said(post(sold("p2", ann, line(quantity=1, category="cake"))))["vouchers_issued"]) == 1
    assert_clean()


def test_a_suspended_members_voucher_waits(app: Flask) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    done(member_changes.suspend_in, STAFF, ann, "a doubt")
    assert refused(redeem, code) == refused(redeem_reward, ann, "five-off") == "suspended_member"


def test_codes_are_told_apart_before_the_database_is_asked(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    looked: list[str] = []
    real, voucher = vouchers.store.place_of, vouchers.store.find
    monkeypatch.setattr(vouchers.store, "place_of", lambda to, code: looked.append("code") or real(to, code))
    monkeypatch.setattr(
        vouchers.store, "find", lambda to, place, **o: looked.append("voucher") or voucher(to, place, **o)
    )
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert refused(vouchers.look_up, wrong) == "voucher_code_invalid"
    assert looked == []
    assert refused(vouchers.look_up, "0000-0000-0000-0") == "voucher_not_found"
    for_unknown = list(looked)
    looked.clear()
    vouchers.look_up(code)
    assert looked == for_unknown == ["code", "voucher"]


def test_a_code_that_is_taken_is_drawn_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = rich(2)
    first = redeem_reward(ann, "five-off")["voucher"]["code"]
    drawn = iter([first, first, "0000-0000-0001-1"])
    monkeypatch.setattr(issuing.codes, "new_voucher_code", lambda: next(drawn))
    assert redeem_reward(ben, "five-off")["voucher"]["code"] == "0000-0000-0001-1"
    # Drawn by two at the same moment, neither sees the other's: the key decides, and the loser starts anew.
    drawn = iter([first, "0000-0000-0002-2"])
    monkeypatch.setattr(issuing.codes, "new_voucher_code", lambda: next(drawn))
    monkeypatch.setattr(issuing.store, "place_of", lambda to, code: None)
    assert redeem_reward(ben, "five-off")["voucher"]["code"] == "0000-0000-0002-2"
    assert_clean()


def test_new_codes_can_be_said_aloud() -> None:
    for _ in range(300):
        code = codes.new_voucher_code()
        assert len(code) == 16
        assert code.replace("-", "").isalnum()
        assert codes.normal_code(code) == code


def test_a_quote_says_which_vouchers_and_rewards_would_do(app: Flask) -> None:
    (ann,) = rich(points=400)
    five = redeem_reward(ann, "five-off")["voucher"]["code"]
    cake = redeem_reward(ann, "cake")["voucher"]["code"]
    tenth = redeem_reward(ann, "tenth-off")["voucher"]["code"]
    quoted = quotes.quote(TILL, sold("", ann, line(amount=4_000), store="s-1"))["rewards"]
    assert {(one["code"], one["worth"]) for one in quoted["vouchers"]} == {(five, "5.00"), (tenth, "4.00")}
    assert {one["reward"] for one in quoted["bought"]} == {"five-off", "tenth-off"}
    # The vouchers that are asked for come first, each on what the ones before it leave.
    asked = sold("", ann, line(amount=4_000), vouchers=(five, cake, "NONSENSE"), store="s-1")
    quoted = quotes.quote(TILL, asked)["rewards"]
    assert [(one["code"], one["worth"]) for one in quoted["vouchers"]] == [(five, "5.00"), (tenth, "3.50")]
    assert [(one["code"], one["because"]) for one in quoted["unusable"]] == [
        (cake, "not_in_basket"),
        ("NONSENSE", "voucher_unusable"),
    ]
    assert quotes.quote(TILL, sold("", None, store="s-1"))["rewards"] == {"vouchers": [], "unusable": [], "bought": []}


def test_a_member_sees_its_vouchers_newest_first_page_by_page(app: Flask) -> None:
    (ann,) = rich(points=900)
    made = [redeem_reward(ann, name)["voucher"]["code"] for name in ("five-off", "tenth-off", "cake")]
    first = vouchers.of_member(ann, None, 2)
    second = vouchers.of_member(ann, first["next"], 2)
    assert [one["code"] for one in first["vouchers"] + second["vouchers"]] == made[::-1]
    assert second["next"] is None
    assert refused(vouchers.of_member, ann, "x", 2) == "cursor_invalid"
    assert refused(vouchers.of_member, "01a2b3c4-0000-7000-8000-000000000000", None, 2) == "member_not_found"


def test_a_later_version_changes_nothing_for_vouchers_that_are_out(app: Flask) -> None:
    (ann,) = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    publish(REWARDED.replace('amount_off: "5.00"', 'amount_off: "7.00"').replace("stock: 4, ", ""))
    with clock.frozen(NOON + timedelta(hours=1)):
        assert vouchers.look_up(code)["worth"]["en"].startswith("5.00")
        told = said(post(sold("p1", ann, vouchers=(code,))))
        assert told["vouchers_redeemed"][0]["worth"] == "5.00"
        assert_clean()


def test_a_key_repeats_a_redemption_and_buys_once(app: Flask) -> None:
    (ann,) = rich(points=400)
    request = RedemptionRequest(MemberReference(member_id=ann), reward="five-off", store="s-1")
    work = partial(reward_redemptions.redeem, actor=ADMIN, request=request)
    first, again = (idempotency.remembered(ADMIN, "k", "POST", "/v1/redemptions", b"{}", work) for _ in range(2))
    assert (again.replayed, again.body) == (True, first.body)
    assert states() == ["issued"]
    assert_clean()


def test_a_programme_without_automatic_rewards_asks_for_nothing(app: Flask) -> None:
    open_shop()
    with programmes.reading() as connection:
        assert programmes.plan_for(connection, NOON).automatic == ()


CARD_SHOP = (
    REWARDED.replace("points: 5}", "points: 50}")
    .replace("petals-for-all", "p")
    .replace("  - {id: p, wallet: petals, rules: [petal], per: month, over: everyone, points: 90}\n", "")
)


@settings(bounded, max_examples=max(6, EXAMPLES // 2))
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 30), st.booleans()), min_size=1, max_size=8),
    st.sampled_from(["", ", stock: 2", ", per_member: {per: month, times: 2}", ", stock: 3, levels: [silver]"]),
)
def test_a_batch_issues_what_single_purchases_issue(
    app: Flask, bought: list[tuple[int, int, bool]], limits: str
) -> None:
    text = CARD_SHOP.replace("automatic: true", f"automatic: true{limits}")

    def played(together: bool) -> list[Any]:
        with clock.frozen(NOON):
            members = open_shop(text, 2)
            posted = [
                sold(
                    f"p{number}",
                    members[who],
                    line(quantity=units),
                    at=NOON - timedelta(hours=20 - number),
                    vouchers=("NONE",) if odd and units > 20 else (),
                )
                for number, (who, units, odd) in enumerate(bought)
            ]
            for many in [posted] if together else [[one] for one in posted]:
                post_many(ADMIN, many)
            assert_clean()
            issued = rows(
                "SELECT member_id, source_id, issued_at, valid_through, status FROM vouchers ORDER BY issued_at, source_id"
            )
            return [
                [figures(member) for member in members],
                [(members.index(str(row.pop("member_id"))), row) for row in issued],
                rows("SELECT reward_id, issued FROM reward_stock"),
                rows("SELECT limit_id, used FROM limit_uses ORDER BY limit_id, used"),
            ]

    assert played(together=True) == played(together=False)


def test_a_batch_with_limits_is_judged_in_its_turn(app: Flask) -> None:
    text = CARD_SHOP.replace("automatic: true", "automatic: true, stock: 2")
    (ann,) = open_shop(text, 1)
    done = purchase_batches.post_many(ADMIN, [sold(f"p{n}", ann, line(quantity=9)) for n in range(3)])
    assert [one.status for one in done] == ["posted"] * 3
    assert rows("SELECT issued FROM reward_stock") == [{"issued": 2}]
    assert_clean()
