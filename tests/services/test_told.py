"""Members are told of what is done with their points: every redemption, and what is about to lapse; tills ask for codes."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import member_changes, purchases, redemption_codes, sessions, voucher_redeeming
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.jobs import nights
from loyalty_engine.services.message_texts import composed
from loyalty_engine.store import messages as store
from loyalty_engine.store.messages import Message
from loyalty_engine.store.session import in_transaction
from loyalty_engine.store.tables import messages as table
from rules.errors import Refusal, TooMany
from tests.builders import ADMIN, TILL, done, publish
from tests.conftest import FrozenClock
from tests.ledger import (
    REWARDED,
    assert_clean,
    capture,
    enrol,
    hold,
    line,
    open_shop,
    paid_with,
    post,
    redeem,
    redeem_reward,
    release,
    rows,
    sold,
    voucher_codes,
)
from tests.nights import LAPSING_CLUB, grant, noon

PHONE = "+8613800138000"


@pytest.fixture
def ann(app: Flask, frozen_clock: FrozenClock) -> str:
    """A member with a telephone and 1,000 leaves at least."""
    open_shop(REWARDED.replace("points: 260", "points: 26000"), members=0)
    member = enrol(phone=PHONE, language="en")
    post(sold("p0", member, line(amount=100_000, category="cake")))
    return member


def told() -> list[Message]:
    def look(connection: sa.Connection) -> list[Message]:
        query = sa.select(*store.COLUMNS).order_by(table.c.message_id)
        return [Message(*row) for row in connection.execute(query)]

    return in_transaction(look)


def texts() -> list[str]:
    return [in_transaction(partial(composed, rows=[row], now=clock.now())).text for row in told()]


def used(code: str) -> None:
    done(voucher_redeeming.redeem_in, TILL, code, None, None)


# Redemptions


def test_points_that_are_used_are_told_at_once(ann: str, frozen_clock: FrozenClock) -> None:
    frozen_clock.move(timedelta(hours=11))
    redeem(ann, 100)
    (row,) = told()
    assert (row.status, row.purpose, row.send_at, row.cause_kind) == ("planned", "service", clock.now(), "redemption")
    balance = rows("SELECT available FROM accounts WHERE wallet = 'leaves'")[0]["available"]
    assert texts() == [f"100 Leaves were used; {balance:,} are left. Not you? Tell Tea Club."]


def test_what_is_held_is_told_when_it_is_captured_once_and_never_when_it_is_released(ann: str) -> None:
    held, other = hold(ann, 100), hold(ann, 50)
    assert told() == []
    capture(held, 60)
    capture(held, 60)
    release(other)
    assert [row.filled()["points"] for row in told()] == [60]


def test_points_that_pay_a_purchase_are_told_once(ann: str) -> None:
    first, held = redeem(ann, 100), hold(ann, 50)
    assert first.status == 201
    post(paid_with(sold("p1", ann), (50, held)))
    post(paid_with(sold("p1", ann), (50, held)))
    assert [row.filled()["points"] for row in told()] == [100, 50]


def test_who_refuses_is_not_told_and_that_stands_there(ann: str) -> None:
    said = GivenConsent("sms", "service", False, clock.now() - timedelta(days=1), "form")
    bob = enrol(phone="+8613800138001", consents=(said,))
    post(sold("p1", bob))
    redeem(bob, 10)
    assert [(row.status, row.reason) for row in told()] == [("suppressed", "no_consent")]


def test_every_redemption_is_told_whatever_the_limit_on_service(ann: str) -> None:
    limited = "messages: {limit: {service: {per: day, times: 1}}}\n"
    publish(REWARDED.replace("points: 260", "points: 26000") + limited)
    for _ in range(3):
        redeem(ann, 10)
    assert [(row.status, row.send_at) for row in told()] == [("planned", clock.now())] * 3


def test_a_reward_that_was_bought_is_told_and_a_gift_is_not(ann: str) -> None:
    redeem_reward(ann, "five-off", actor=TILL)
    redeem_reward(ann, "cake", reason="a spilt cup")
    assert [row.template for row in told()] == ["reward-redeemed"]
    assert texts()[0].startswith("Five off was redeemed for 100 Leaves; ")


def test_a_voucher_that_is_used_is_told_at_the_till_with_a_purchase_and_where_the_sale_has_to_wait(ann: str) -> None:
    for _ in range(2):
        redeem_reward(ann, "five-off", actor=TILL)
    redeem_reward(ann, "cake", reason="a spilt cup")
    codes = voucher_codes(ann)
    used(codes[0])
    with pytest.raises(Refusal) as used_again:
        used(codes[0])
    assert used_again.value.code == "voucher_redeemed"
    post(sold("p1", ann, vouchers=(codes[1],)))
    post(sold("p2", None, vouchers=(codes[2],)))
    assert [row.filled() for row in told()[2:]] == [{"reward": "five-off"}, {"reward": "five-off"}, {"reward": "cake"}]
    assert texts()[-1] == "Your voucher was used: A cake. Not you? Tell Tea Club."


def test_history_that_is_imported_is_not_told(ann: str) -> None:
    code = redeem_reward(ann, "five-off", actor=TILL)["voucher"]["code"]
    posted = sold("p1", ann, vouchers=(code,))
    in_transaction(lambda connection: purchases.post_in(connection, ADMIN, posted, replays_history=True))
    assert [row.template for row in told()] == ["reward-redeemed"]


# Points that lapse


@pytest.fixture
def lapsing(app: Flask, frozen_clock: FrozenClock) -> FrozenClock:
    open_shop(LAPSING_CLUB, members=0)
    frozen_clock.set(noon(DAY))
    return frozen_clock


DAY = date(2026, 1, 31)
"""A lot of that day is good through 31 March."""


def night(clock_: FrozenClock, month: int, day: int) -> None:
    clock_.set(noon(DAY.replace(month=month, day=day)))
    nights.run("night")


def notices() -> list[tuple[int, str]]:
    return [
        (row["days_before"], row["status"])
        for row in rows("SELECT days_before, status FROM expiry_notices ORDER BY days_before DESC, status")
    ]


def test_a_notice_is_told_with_its_sum_and_day_and_is_worth_sending_until_then(lapsing: FrozenClock) -> None:
    ann = enrol(phone=PHONE)
    grant(ann, "leaves", 50, noon(DAY))
    night(lapsing, 3, 10)
    assert told() == []
    night(lapsing, 3, 11)
    night(lapsing, 3, 12)
    (row,) = told()
    assert (row.status, row.cause_kind, row.cause_id) == ("planned", "notice", "leaves:2026-03-31:20")
    assert row.filled() == {"points": 50, "wallet": "leaves", "expires_on": "2026-03-31", "balance": 50}
    assert row.send_by == noon(DAY.replace(month=3, day=31)) + timedelta(hours=12) - timedelta(microseconds=1)
    assert notices() == [(20, "planned")]
    night(lapsing, 3, 24)
    assert [row.cause_id for row in told()] == ["leaves:2026-03-31:20", "leaves:2026-03-31:7"]
    assert_clean()


def test_a_notice_that_nobody_can_be_told_says_so_and_counts(lapsing: FrozenClock) -> None:
    ann, bob = enrol(phone=PHONE), enrol()
    refused = enrol(phone="+8613800138001", consents=(GivenConsent("sms", "service", False, clock.now(), "form"),))
    for member in (ann, bob, refused):
        grant(member, "leaves", 50, noon(DAY))
    grant(bob, "leaves", 10, noon(DAY))
    night(lapsing, 3, 24)
    assert notices() == [(20, "planned"), *[(20, "suppressed")] * 2, (7, "planned"), *[(7, "suppressed")] * 2]
    assert sorted({(row.status, row.reason) for row in told()}, key=str) == [
        ("planned", None), ("suppressed", "no_address"), ("suppressed", "no_consent"),
    ]  # fmt: skip
    night(lapsing, 4, 1)
    assert {row["available"] for row in rows("SELECT available FROM accounts WHERE wallet = 'leaves'")} == {0}
    assert_clean()


def test_a_notice_that_can_no_longer_be_told_leaves_the_ones_before_it_as_they_are(lapsing: FrozenClock) -> None:
    ann = enrol(phone=PHONE)
    grant(ann, "leaves", 50, noon(DAY))
    night(lapsing, 3, 11)
    lapsing.set(noon(DAY.replace(month=3, day=12)))
    member_changes.put_consent(ADMIN, ann, GivenConsent("sms", "service", False, clock.now(), "said so"))
    night(lapsing, 3, 24)
    assert notices() == [(20, "planned"), (7, "suppressed")]


def test_a_sum_that_is_too_small_is_not_told(lapsing: FrozenClock) -> None:
    grant(enrol(phone=PHONE), "leaves", 39, noon(DAY))
    night(lapsing, 3, 24)
    assert told() == []
    assert notices() == [(20, "below"), (7, "below")]


def test_a_notice_that_comes_late_names_the_day_on_which_the_points_really_lapse(lapsing: FrozenClock) -> None:
    """Nothing lapses before its notice has been out for seven days: one of the 30th puts the end off to 5 April."""
    grant(enrol(phone=PHONE), "leaves", 50, noon(DAY))
    night(lapsing, 3, 30)
    assert {row.filled()["expires_on"] for row in told()} == {"2026-04-05"}
    night(lapsing, 4, 5)
    assert rows("SELECT available FROM accounts WHERE wallet = 'leaves'") == [{"available": 50}]
    night(lapsing, 4, 6)
    assert rows("SELECT available FROM accounts WHERE wallet = 'leaves'") == [{"available": 0}]


def test_nights_that_are_replayed_tell_nobody(lapsing: FrozenClock) -> None:
    grant(enrol(phone=PHONE), "leaves", 50, noon(DAY))
    lapsing.set(noon(DAY.replace(month=8, day=1)))
    nights.run("notices", DAY.replace(month=3, day=24))
    assert notices() == [(20, "planned"), (7, "planned")]
    assert told() == []


@pytest.mark.parametrize(("days", "points", "count"), [(6, 40, 1), (6, 39, 0), (7, 40, 0)])
def test_a_lot_that_is_too_short_for_a_notice_is_told_when_it_is_given(
    app: Flask, frozen_clock: FrozenClock, days: int, points: int, count: int
) -> None:
    open_shop(LAPSING_CLUB.replace("{after: 2 months}", f"{{after: {days} days}}"), members=0)
    frozen_clock.set(noon(DAY))
    grant(enrol(phone=PHONE), "leaves", points, noon(DAY))
    assert [row.filled()["expires_on"] for row in told()] == ["2026-02-06"] * count


# Codes


def send(member: str) -> Any:
    return done(redemption_codes.send_in, TILL, member)


def test_a_till_has_a_code_sent_that_proves_the_member(ann: str) -> None:
    post(sold("p1", ann, line(amount=1_000_000, category="cake")))
    assert send(ann) == (ann, "sms", 5)
    (row,) = told()
    assert (row.purpose, row.to_address, row.send_by) == ("code", PHONE, clock.now() + timedelta(minutes=5))
    code = row.filled()["code"]
    assert texts() == [f"{code} is your code for Tea Club, good for 5 minutes. Never tell it to anybody."]
    with pytest.raises(Refusal, match="need a proof"):
        redeem(ann, 1_005)
    assert redeem(ann, 1_005, code=str(code)).status == 201


def test_a_code_goes_also_to_who_refuses_all_else(ann: str) -> None:
    bob = enrol(phone="+8613800138001", consents=(GivenConsent("sms", "service", False, clock.now(), "form"),))
    send(bob)
    assert [row.status for row in told()] == ["planned"]


def test_five_codes_an_hour_are_enough(ann: str, frozen_clock: FrozenClock) -> None:
    for _ in range(5):
        send(ann)
        frozen_clock.move(timedelta(minutes=6))
    frozen_clock.move(timedelta(minutes=29))
    with pytest.raises(Refusal) as refused:
        send(ann)
    assert refused.value.code == "codes_too_many"
    frozen_clock.move(timedelta(minutes=1))
    assert send(ann).minutes == 5
    assert len(told()) == 6


@pytest.mark.parametrize("phone", [None, "+862162345678"])
def test_who_has_no_telephone_for_it_gets_no_code(ann: str, phone: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        send(enrol(phone=phone))
    assert refused.value.code == "no_phone"
    assert told() == []


def test_a_number_of_another_country_gets_no_code(ann: str) -> None:
    with pytest.raises(Refusal) as refused:
        send(enrol(phone="+447911123456"))
    assert refused.value.code == "no_phone"
    assert told() == []


def test_codes_that_tills_ask_for_count_with_those_of_the_door(ann: str, frozen_clock: FrozenClock) -> None:
    for _ in range(3):
        send(ann)
    with pytest.raises(TooMany) as refused:
        send(ann)
    assert (refused.value.code, refused.value.retry_after) == ("too_many_codes", 15 * 60)
    with pytest.raises(TooMany):
        sessions.ask_code(PHONE, "en", "203.0.113.7")
    assert len(told()) == 3


def test_a_till_may_ask_for_ten_times_as_many_codes_as_an_address(ann: str, application: Flask) -> None:
    before = application.extensions["loyalty_settings"]
    application.extensions["loyalty_settings"] = replace(before, codes_per_address=1)
    try:
        queue = [enrol(phone=f"+86138001390{number:02}") for number in range(11)]
        for member in queue[:10]:
            send(member)
        with pytest.raises(TooMany):
            send(queue[10])
    finally:
        application.extensions["loyalty_settings"] = before
