"""A small shop on which ledgers are tried: a programme with every kind of wallet and cap, members, tills, and a spender.

`spend` takes points without any of a redemption's conditions, so that returns find accounts without enough of them.
`redeem` asks for what a till asks for, of a shop whose leaves are money (`MONEY`).
"""

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from textwrap import dedent
from typing import Any

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import (
    claims,
    enrolment,
    ledger,
    purchases,
    races,
    redemptions,
    returns,
    reward_redemptions,
)
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.auditing import audit
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.services.intake import MemberReference, PostedPurchase, Receipt, RedemptionRequest, ReturnRequest
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.redemption_proofs import with_code
from loyalty_engine.store import redemptions as redemption_store
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.redemptions import Redemption
from loyalty_engine.store.session import in_transaction, reading
from loyalty_engine.store.tables import metadata
from rules.facts import Line, Purchase, Tender
from rules.periods import business_day
from tests.builders import ADMIN, STAFF, TILL, done, open_store, publish
from tests.conftest import empty_tables

TEA_CLUB = dedent("""\
    programme: tea-club
    name: Tea Club
    money: CNY
    time_zone: Asia/Shanghai
    late_days: 30
    wallets:
      - {id: leaves, name: Leaves, rounding: floor, expiry: {after: 12 months, at: end_of_month}, on_return: allow_debt}
      - {id: petals, name: Petals, rounding: half_up, pending: 14 days, expiry: {yearly: "12-31", after: 6 months}}
      - {id: stamps, name: Stamps, rounding: ceiling, expiry: {inactivity: 18 months}, on_return: clamp}
    accrual:
      - {id: base, wallet: leaves, earn: {points: 1, per: "1.00"}}
      - {id: green, wallet: leaves, multiply: 1.5, lines: {category: {in: [tea/green]}}}
      - {id: big, wallet: leaves, bonus: 40, when: {spent: {at_least: "150.00"}}}
      - {id: petal, wallet: petals, earn: {points: 0.3, per: "1.00"}}
      - {id: cup, wallet: stamps, earn: {points: 1, each: paid_unit}, lines: {category: {in: [tea]}}}
      - {id: welcome, wallet: stamps, bonus: 2, when: {purchases_before: {eq: 0}}}
    caps:
      - {id: leaves-a-day, wallet: leaves, rules: [base, green], per: day, points: 260}
      - {id: petals-for-all, wallet: petals, rules: [petal], per: month, over: everyone, points: 90}
      - {id: cups-a-time, wallet: stamps, rules: [cup], per: purchase, points: 5}
    tiers:
      metric: {points_of: leaves}
      window: {rolling: 12 months}
      downgrade: {steps: one}
      levels:
        - {id: plain, name: Plain, from: 0}
        - {id: silver, name: Silver, from: 150, multiply: 1.25, wallet: leaves}
        - {id: gold, name: Gold, from: 500, multiply: 1.5, wallet: leaves}
    """)

MONEY = TEA_CLUB.replace(
    "on_return: allow_debt}",
    'on_return: allow_debt, worth: "0.01", spending: {minimum: 10, multiple: 5, share_of_purchase: 50%,'
    " proof: {above: 1000, by: [token, code]}}}",
)
"""The same, where a leaf is worth a cent."""
SILVER = "{id: silver, name: Silver, from: 150, multiply: 1.25, wallet: leaves"
REWARDED = MONEY.replace(SILVER, f"{SILVER}, benefits: [{{reward: cake, times: 1, per: month}}]") + dedent("""\
    rewards:
      - {id: five-off, name: Five off, cost: {points: 100, wallet: leaves}, amount_off: "5.00", minimum_purchase: "10.00", valid: 30 days, stock: 4, per_member: {per: month, times: 2}}
      - {id: tenth-off, name: A tenth off, cost: {points: 50, wallet: leaves}, percent_off: 10%, at_most: "15.00", levels: [silver, gold]}
      - {id: cake, name: A cake, product: SKU-cake, valid: 14 days, stock: 3}
      - {id: sixth-cup, name: Sixth cup free, cost: {points: 6, wallet: stamps}, product_category: tea, valid: 60 days, automatic: true}
    """)
"""The same with rewards of each kind: bought, of a level, and one that comes by itself."""

STORES = ("s-1", "s-2")


def open_shop(text: str = TEA_CLUB, members: int = 3) -> list[str]:
    """Empty the database, publish a programme, open two stores, enrol members; return their ids."""
    empty()
    publish(text)
    open_store("s-1", "t-1")
    open_store("s-2", "t-2")
    return [enrol() for _ in range(members)]


def empty() -> None:
    """Leave no row in any table, and nothing remembered."""
    forget_everything()
    empty_tables()


def enrol(**given: Any) -> str:
    """Enrol a member; return the id."""
    member_id: str = said(done(enrolment.enrol_in, ADMIN, enrolment.NewMember(**given)))["member_id"]
    return member_id


def sold(
    purchase_id: str,
    member: str | None,
    *lines: Line,
    store: str = "s-1",
    at: datetime | None = None,
    receipt: str | None = None,
    order_discount: int = 0,
    paid: int | None = None,
    card: str | None = None,
    vouchers: tuple[str, ...] = (),
) -> PostedPurchase:
    """Return a purchase as a till posts it; `paid` (minor units) is what the tenders say."""
    reference = MemberReference(member_id=member) if member else MemberReference(card=card) if card else None
    purchase = Purchase(
        at or clock.now() - timedelta(minutes=1),
        lines or (line(),),
        "CNY",
        channel="store",
        order_discount_minor=order_discount,
        tenders=() if paid is None else (Tender("card", paid),),
    )
    shown = Receipt(receipt, date(2026, 11, 22)) if receipt else None
    return PostedPurchase(purchase_id, store, "t-1", reference, shown, purchase, vouchers)


def line(line_id: str = "1", quantity: int = 2, amount: int = 10000, category: str = "tea/green") -> Line:
    """Return a line; the amount is in minor units."""
    return Line(line_id, f"SKU-{line_id}", quantity, amount, category=category)


def post(posted: PostedPurchase) -> Answer:
    """Post a purchase as its store does."""
    return purchases.post(ADMIN, posted)


def take_return(purchase_id: str, reference: str, units: dict[str, int] | None = None, store: str = "s-1") -> Answer:
    """Take a return; without units, of all that is left."""
    return done(returns.take_in, ADMIN, ReturnRequest(purchase_id, reference, units, store=store))


def move(purchase_id: str, member: str, store: str = "s-1") -> Answer:
    """Let staff name another member for a purchase."""
    return done(claims.name_member_in, STAFF, purchase_id, store, MemberReference(member_id=member), "the wrong card")


def said(answer: Answer) -> dict[str, Any]:
    """Return what an answer says."""
    told: dict[str, Any] = json.loads(answer.body)
    return told


def spend(member: str, wallet: str, points: int) -> int:
    """Spend up to so many points; return how many there were."""

    def work(connection: sa.Connection) -> int:
        posting = Posting(connection, TILL, clock.now())
        state, plan = posting.member(member), plan_for(connection, clock.now())
        spent = min(points, state.account(wallet).available)
        if spent:
            used = redemption(member, wallet, spent, plan.version)
            source = Source("redemption", used.redemption_id, clock.now())
            ledger.spend(posting, state, plan, wallet, spent, source)
            posting.write()
            redemption_store.insert(connection, used)
        return spent

    return in_transaction(work)


def redemption(member: str, wallet: str, points: int, version: int) -> Redemption:
    """Return a redemption of so many points that were spent at once."""
    now = clock.now()
    return Redemption(
        member, new_id(), "captured", wallet, points, points, 0, None, None, None, version, "s-1", None, now, None, now,
        str(TILL),
    )  # fmt: skip


CAKE = line(amount=20_000, category="cake")


def first_buyer(programme: str) -> str:
    """Open a shop, and return a member who has 240 leaves from a cake."""
    member = open_shop(programme)[0]
    post(sold("first", member, CAKE))
    return member


def leaves(member: str) -> tuple[int, ...]:
    """Return a member's leaves: available, pending, held, debt."""
    return figures(member)["leaves"]


def redeem(member: str, points: int, /, wallet: str = "leaves", actor: Actor = TILL, **more: Any) -> Answer:
    """Use points of a member as money; `capture=False` holds them."""
    named = {"store": "s-1"} if actor.role != "terminal" else {}
    request = RedemptionRequest(
        **{"member": MemberReference(member_id=member), "wallet": wallet} | named | more, points=points
    )
    return with_code(
        lambda right: in_transaction(partial(redemptions.redeem_in, actor=actor, request=request, right=right))
    )


def hold(member: str, points: int, /, **more: Any) -> str:
    """Hold points of a member; return the redemption's id."""
    redemption_id: str = said(redeem(member, points, capture=False, **more))["redemption_id"]
    return redemption_id


def hold_reward(member: str, reward: str = "five-off") -> dict[str, Any]:
    """Hold a reward's points at a till; return what is answered."""
    request = RedemptionRequest(MemberReference(member_id=member), reward=reward, capture=False)
    return said(in_transaction(partial(redemptions.redeem_in, actor=TILL, request=request)))


def capture(redemption_id: str, points: int | None = None, actor: Actor = TILL) -> Answer:
    """Capture what is held."""
    return in_transaction(partial(redemptions.capture_in, actor=actor, redemption_id=redemption_id, points=points))


def release(redemption_id: str, actor: Actor = TILL, reason: str | None = None) -> Answer:
    """Release what is held, or with a reason what was captured for nothing."""
    work = partial(redemptions.release_in, actor=actor, redemption_id=redemption_id, reason=reason)
    return in_transaction(work)


def paid_with(posted: PostedPurchase, *points: tuple[int, str | None]) -> PostedPurchase:
    """Return a purchase paid in part with points: minor units and the redemption for each tender, by card the rest."""
    due = sum(line.amount_minor for line in posted.purchase.lines) - posted.purchase.order_discount_minor
    tenders = [Tender("points", amount, reference) for amount, reference in points]
    rest = Tender("card", due - sum(amount for amount, _ in points))
    return replace(posted, purchase=replace(posted.purchase, tenders=(*tenders, rest)))


def redeem_reward(member: str, reward: str, reason: str | None = None, actor: Actor = ADMIN) -> dict[str, Any]:
    """Redeem a reward for a member; with a reason as a gift. Return what is answered."""
    named = {"store": "s-1"} if actor.role not in ("staff", "admin") else {}
    request = RedemptionRequest(MemberReference(member_id=member), reward=reward, reason=reason, **named)
    return said(races.run(partial(reward_redemptions.redeem, actor=actor, request=request)))


def voucher_codes(member: str) -> list[str]:
    """Return the codes of a member's vouchers that can be used, oldest first."""
    query = "SELECT code FROM vouchers WHERE member_id = :member AND status IN ('issued', 'held') ORDER BY voucher_id"
    return [row["code"] for row in rows(query, member=member)]


def rows(query: str, **parameters: Any) -> list[dict[str, Any]]:
    """Return what a query in SQL gives."""
    with reading() as connection:
        return [dict(row) for row in connection.execute(sa.text(query), parameters).mappings()]


def dump() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, sorted."""
    with reading() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def picture() -> list[Any]:
    """Return what is the same as long as no row of any table changes; PostgreSQL takes it with one statement."""
    names = [table.name for table in metadata.sorted_tables]
    with reading() as connection:
        if connection.dialect.name == "postgresql":
            every = " UNION ALL ".join(f"SELECT '{name}', one::text FROM {name} AS one" for name in names)
            return sorted(tuple(row) for row in connection.exec_driver_sql(every))
        return [sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {name}")), key=repr) for name in names]


def figures(member: str) -> dict[str, tuple[int, int, int, int]]:
    """Return available, pending, held and debt of each wallet."""
    query = "SELECT wallet, available, pending, held, debt FROM accounts WHERE member_id = :member"
    return {
        row["wallet"]: (row["available"], row["pending"], row["held"], row["debt"])
        for row in rows(query, member=member)
    }


def assert_clean(invariants: Collection[int] = range(1, 15)) -> None:
    """Fail with what the audit found, where it found anything; only of some invariants, where moves were made by hand."""
    report = audit()
    found = [
        f"{one.rule.invariant} {one.rule.table}: {one.rule.says}: {one.count}× {one.first[0]}"
        for one in report.broken
        if one.rule.invariant in invariants
    ]
    assert not found, "\n".join(found)


def today() -> date:
    """Return the shop's business day."""
    with reading() as connection:
        return business_day(clock.now(), plan_for(connection, clock.now()).programme.time_zone)
