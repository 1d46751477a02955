"""Many clients at once for the same stock, the same voucher, the same points: nothing is given twice."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import races
from loyalty_engine.services.voucher_endings import expire_due
from loyalty_engine.services.voucher_redeeming import redeem_in
from loyalty_engine.store.session import in_transaction
from rules.errors import Refusal
from tests.builders import STAFF, TILL
from tests.ledger import (
    REWARDED,
    assert_clean,
    figures,
    line,
    open_shop,
    post,
    redeem_reward,
    rows,
    said,
    sold,
    take_return,
)

CLIENTS = 200
AT_ONCE = 25
STOCK = REWARDED.replace("stock: 4, per_member: {per: month, times: 2}", "stock: 20")


def at_once(app: Flask, work: Sequence[Callable[[], Any]], threads: int = AT_ONCE) -> list[Any]:
    """Start as many as there are threads at the same moment, the others after them; refusals are results."""
    start = Barrier(min(threads, len(work)))

    def run(place: int) -> Any:
        with app.app_context():
            if place < start.parties:
                start.wait(20)
            while True:
                try:
                    return work[place]()
                except Refusal as refusal:
                    if not refusal.code.startswith(("database_busy", "still_in_work")):
                        return refusal

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(len(work))))


def codes_of(results: Sequence[Any]) -> Counter[str]:
    return Counter(one.code if isinstance(one, Refusal) else "done" for one in results)


def test_two_hundred_clients_get_twenty_of_a_stock_of_twenty(app: Flask) -> None:
    members = open_shop(STOCK, 10)
    for number, member in enumerate(members):
        post(sold(f"p{number}", member, line(amount=99_900, category="cake")))
        with clock.frozen(clock.now() - timedelta(days=2)):
            post(sold(f"q{number}", member, line(amount=99_900, category="cake")))
    clients = [partial(redeem_reward, members[number % 10], "five-off") for number in range(CLIENTS)]
    results = at_once(app, clients, threads=CLIENTS)
    assert codes_of(results)["done"] == 20
    assert set(codes_of(results)) == {"done", "reward_out_of_stock"}
    assert rows("SELECT issued FROM reward_stock WHERE reward_id = 'five-off'") == [{"issued": 20}]
    assert rows("SELECT COUNT(*) AS n FROM vouchers WHERE reward = 'five-off'") == [{"n": 20}]
    assert_clean()


def test_a_gift_out_of_a_stock_is_never_oversold(app: Flask) -> None:
    members = open_shop(STOCK.replace("stock: 3}", "stock: 20}"), 10)
    gift = [partial(redeem_reward, members[number % 10], "cake", "sorry", STAFF) for number in range(60)]
    assert codes_of(at_once(app, gift)) == {"done": 20, "reward_out_of_stock": 40}
    assert_clean()


def test_one_member_cant_spend_the_same_points_or_uses_twice(app: Flask) -> None:
    (ann,) = open_shop(REWARDED, 1)
    post(sold("p1", ann, line(amount=20_000, category="cake")))
    results = at_once(app, [partial(redeem_reward, ann, "five-off")] * 10 + [partial(redeem_reward, ann, "cake")] * 10)
    assert codes_of(results) == {"done": 3, "reward_limit_reached": 17}
    assert (
        figures(ann)["leaves"][0]
        == rows("SELECT SUM(available) AS n FROM ledger_entries WHERE wallet = 'leaves'")[0]["n"]
    )
    assert_clean()


def _redeem(code: str, purchase: str | None) -> Any:
    return said(in_transaction(partial(redeem_in, actor=TILL, code=code, purchase_id=purchase, store_id=None)))


def test_of_two_tills_with_one_voucher_one_wins(app: Flask) -> None:
    (ann,) = open_shop(REWARDED, 1)
    for number in range(4):
        post(sold(f"p{number}", ann, line(amount=20_000, category="cake")))
        code = redeem_reward(ann, "tenth-off")["voucher"]["code"]
        results = at_once(app, [partial(_redeem, code, f"till-{till}") for till in range(4)])
        assert codes_of(results) == {"done": 1, "voucher_redeemed": 3}
    assert_clean()


def test_of_two_purchases_with_one_voucher_one_has_it_and_the_other_waits(app: Flask) -> None:
    (ann,) = open_shop(REWARDED, 1)
    for number in range(4):
        post(sold(f"p{number}", ann, line(amount=20_000, category="cake")))
        code = redeem_reward(ann, "tenth-off")["voucher"]["code"]
        named, again, nobody = (
            sold(f"x{number}-{till}", ann if till else None, vouchers=(code,)) for till in (1, 2, 0)
        )
        results = at_once(app, [partial(post, one) for one in (named, named, again, nobody)])
        told = {one.body: said(one)["status"] for one in results}
        assert len(told) == 3
        assert sorted(told.values()) in (
            ["posted", "unclaimed", "unresolved"],
            ["unclaimed", "unresolved", "unresolved"],
        )
        bound = rows("SELECT posting_id FROM vouchers WHERE code = :code AND status = 'redeemed'", code=code)
        assert [row["posting_id"] is not None for row in bound] == ["posted" in told.values()]
    assert_clean()


def test_a_voucher_that_expires_while_it_is_redeemed_ends_once(app: Flask) -> None:
    (ann,) = open_shop(REWARDED, 1)
    for number in range(4):
        post(sold(f"p{number}", ann, line(amount=20_000, category="cake")))
        code = redeem_reward(ann, "five-off", "sorry", STAFF)["voucher"]["code"]
        end = clock.now().date() + timedelta(days=31)
        results = at_once(app, [partial(_redeem, code, None), partial(expire_due, end)])
        assert codes_of(results)["done"] + codes_of(results)["voucher_expired"] == 2
        (row,) = rows("SELECT status FROM vouchers WHERE code = :code", code=code)
        assert row["status"] in ("redeemed", "expired")
    assert_clean()


def test_returns_that_race_bring_a_voucher_back_once(app: Flask) -> None:
    (ann,) = open_shop(REWARDED, 1)
    for number in range(4):
        post(sold(f"p{number}", ann, line(amount=20_000, category="cake")))
        code = redeem_reward(ann, "tenth-off")["voucher"]["code"]
        post(sold(f"x{number}", ann, line(quantity=2), vouchers=(code,)))
        back = [partial(take_return, f"x{number}", f"r{unit}", {"1": 1}) for unit in range(2)]
        told = [said(one)["vouchers_returned"] for one in at_once(app, back)]
        assert sorted(len(one) for one in told) == [0, 1]
    assert_clean()


@pytest.mark.parametrize("threads", [8])
def test_cards_that_fill_at_once_bring_each_voucher_once(app: Flask, threads: int) -> None:
    ann, ben = open_shop(REWARDED, 2)
    tills = [
        partial(races.run, partial(_post_in, sold(f"p{number}", (ann, ben)[number % 2], line(quantity=3, amount=300))))
        for number in range(24)
    ]
    at_once(app, tills, threads)
    # 12 purchases of 3 stamps and 2 for the first one: 38 stamps, 6 vouchers, 2 left.
    assert rows("SELECT COUNT(*) AS n FROM vouchers") == [{"n": 12}]
    assert figures(ann)["stamps"][0] == figures(ben)["stamps"][0] == 2
    assert_clean()


def _post_in(posted: Any, connection: Any) -> Any:
    from loyalty_engine.services import purchases
    from tests.builders import ADMIN

    return purchases.post_in(connection, ADMIN, posted)
