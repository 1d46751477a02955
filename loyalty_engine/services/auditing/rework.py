"""Works one stored purchase out again, and says where its row differs from what its frozen facts give."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services.auditing.report import Report, Rule, differing
from loyalty_engine.services.caps import use_key
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.services.purchase_documents import decode, decode_decisions, decode_json
from rules.accrual import Decisions, rework
from rules.eligible import net_spend, visits
from rules.errors import NotFound
from rules.facts import Purchase
from rules.periods import business_day
from rules.plan import Plan
from rules.returns import Kept, everything, kept
from rules.tiers import NET_SPEND, VISITS, points_metric

_UNREADABLE: Final = Rule(6, "purchases", "its facts can be read")
_FACTS: Final = Rule(6, "purchases", "day, currency, total and time are what the facts say")
_GRANTED: Final = Rule(6, "purchases", "what was granted is what the frozen facts give")
_KEPT: Final = Rule(6, "purchases", "what it keeps is what the remaining basket gives under the frozen facts")
_CAPS: Final = Rule(6, "purchases", "what it uses of caps is what the remaining basket uses under the frozen facts")
_MOVED: Final = Rule(6, "purchases", "a purchase that was moved away keeps nothing")

_NOTHING: Final = Kept({}, {}, 0, 0)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a purchase keeps, as it was worked out anew, and what follows from that."""

    plan: Plan
    points: Mapping[str, int]
    bought: Mapping[str, int]
    whole: frozenset[str]
    """The lines without units: each comes back as one, whatever number of units the till named."""
    left: Mapping[str, int]
    qualifying: Mapping[str, int]
    member_uses: tuple[tuple[str, date, int], ...] = ()
    budget_uses: tuple[tuple[str, date, int], ...] = ()


def judge(connection: sa.Connection, report: Report, row: Any) -> Judged | None:
    """Work a purchase out again and note what differs; None for one that can't be read, which is noted too."""
    key = {"member_id": row.member_id, "posting_id": row.posting_id}
    try:
        plan = plan_of(connection, row.version)
        purchase = decode(row.facts)
        decisions = decode_decisions(row.version, row.decisions)
        granted, cap_use = decode_json(row.granted), decode_json(row.cap_use)
        said = decode_json(row.kept) if row.kept is not None else granted
        left = decode_json(row.left_units) if row.left_units is not None else everything(purchase)
    except (NotFound, ValueError, KeyError, TypeError) as error:
        report.note(_UNREADABLE, key, type(error).__name__)
        return None
    _check_facts(report, key, row, plan, purchase)
    after = _worked_out(report, key, row, plan, purchase, decisions, granted, left)
    if any(differing(said, after.points)):
        report.note(_MOVED if row.status == "moved" else _KEPT, key, {"kept": said}, {"kept": dict(after.points)})
    if any(differing(cap_use, after.cap_use)):
        report.note(_CAPS, key, {"cap_use": cap_use}, {"cap_use": dict(after.cap_use)})
    member_uses, budget_uses = _uses(plan, row.business_day, after.cap_use)
    qualifying = _qualifying(after)
    whole = frozenset(line.line_id for line in purchase.lines if line.quantity == 0)
    return Judged(plan, after.points, everything(purchase), whole, left, qualifying, member_uses, budget_uses)


def _check_facts(report: Report, key: Mapping[str, object], row: Any, plan: Plan, purchase: Purchase) -> None:
    total = sum(line.amount_minor for line in purchase.lines) - purchase.order_discount_minor
    expected = {
        "occurred_at": purchase.occurred_at,
        "business_day": business_day(purchase.occurred_at, plan.programme.time_zone),
        "currency": purchase.currency,
        "total_minor": max(0, total),
    }
    differs = {name: value for name, value in expected.items() if getattr(row, name) != value}
    if differs:
        report.note(_FACTS, key, {name: getattr(row, name) for name in differs}, differs)


def _worked_out(
    report: Report,
    key: Mapping[str, object],
    row: Any,
    plan: Plan,
    purchase: Purchase,
    decisions: Decisions,
    granted: Mapping[str, int],
    left: Mapping[str, int],
) -> Kept:
    whole = rework(plan, purchase, decisions)
    if any(differing(granted, whole.points)):
        report.note(_GRANTED, key, {"granted": granted}, {"granted": whole.points})
    if row.status == "moved":
        return _NOTHING
    if row.left_units is None:
        return Kept(whole.points, whole.cap_use, net_spend(purchase), visits(purchase))
    return kept(plan, purchase, decisions, whole.points, left)


def _qualifying(after: Kept) -> dict[str, int]:
    sums = {points_metric(wallet): points for wallet, points in after.points.items()}
    return sums | {NET_SPEND: after.net_spend_minor, VISITS: after.visits}


Uses = tuple[tuple[str, date, int], ...]


def _uses(plan: Plan, day: date, cap_use: Mapping[str, int]) -> tuple[Uses, Uses]:
    """Return what is used of each cap of a period: the member's own, and those over everyone."""
    if not cap_use:
        return (), ()
    member_uses: list[tuple[str, date, int]] = []
    budget_uses: list[tuple[str, date, int]] = []
    for cap in plan.programme.caps:
        if cap.id in cap_use and cap.per != "purchase":
            use = (*use_key(cap, day), cap_use[cap.id])
            (budget_uses if cap.over == "everyone" else member_uses).append(use)
    return tuple(member_uses), tuple(budget_uses)
