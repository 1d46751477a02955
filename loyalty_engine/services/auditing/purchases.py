"""Works every purchase out again under the facts that decided it: invariant 6, and the sums that follow from purchases.

Members are gone through in the order of their ids, so that no more than some hundred members' sums are remembered.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services.auditing.personal import personal_in_facts
from loyalty_engine.services.auditing.receipts import Receipts
from loyalty_engine.services.auditing.report import Progress, Report, Rule, differing
from loyalty_engine.services.auditing.rework import Judged, judge
from loyalty_engine.services.auditing.tiers import LastPurchase, look_at_levels
from loyalty_engine.services.purchase_documents import decode_json
from loyalty_engine.store.audits import rows
from loyalty_engine.store.audits.rows import Family, Group
from loyalty_engine.store.tables import purchases

Points = dict[str, int]

_NET: Final = Rule(6, "purchases", "the net points of its entries are what the purchase keeps")
_NO_PURCHASE: Final = Rule(6, "ledger_entries", "an entry names a purchase or a return that is there")
_DAYS: Final = Rule(6, "qualifying_days", "a day's sum is what its purchases keep")
_USES: Final = Rule(6, "cap_uses", "what is used of a cap is what the period's purchases use")
_BUDGETS: Final = Rule(6, "budgets", "what is used of a cap over everyone is what the period's purchases use")
_UNITS: Final = Rule(6, "purchases", "what is left is what was bought less what was returned")
_PERSONAL: Final = Rule(13, "purchases", "facts hold nothing personal")


@dataclass(slots=True)
class _Sums:
    """What the purchases of some members add up to; those of one that was merged, with the member it led to."""

    roots: Mapping[str, str]
    points: dict[tuple[str, str], Points] = field(default_factory=dict)
    """By member and posting: the net points of the entries, by wallet; a purchase takes its own out."""
    returned: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """By member and posting: the units that came back; None for a return of all that was left."""
    qualifying: defaultdict[tuple[str, str, date], int] = field(default_factory=lambda: defaultdict(int))
    cap_uses: defaultdict[tuple[str, str, date], int] = field(default_factory=lambda: defaultdict(int))
    standings: dict[str, LastPurchase] = field(default_factory=dict)

    def account(self, member_id: str) -> str:
        """Return in whose account a member's purchases are."""
        return self.roots.get(member_id, member_id)


def look(connection: sa.Connection, report: Report, progress: Progress) -> None:
    """Note every purchase that says anything else than its frozen facts, and every sum that its purchases don't give."""
    total = report.looked_at["purchases"] = rows.count(connection, purchases)
    report.looked_at["members"] = 0
    budgets: defaultdict[tuple[str, date], int] = defaultdict(int)
    receipts = Receipts()
    with progress("purchases", total) as advance:
        roots = rows.merged(connection)
        for span in rows.groups(connection, roots):
            report.looked_at["members"] += span.size
            sums = _Sums(roots)
            _load_points(connection, report, span, sums)
            for row in rows.purchases_of(connection, span):
                _look_at(connection, report, row, sums, budgets, receipts)
                advance(1)
            _compare(connection, report, span, sums)
    _compare_budgets(connection, report, budgets)
    receipts.compare(connection, report)


def _load_points(connection: sa.Connection, report: Report, span: Group, sums: _Sums) -> None:
    purchase_of = {}
    for member_id, posting_id, return_id, units in rows.returns_of(connection, span):
        purchase_of[return_id] = posting_id
        back = sums.returned.setdefault((sums.account(member_id), posting_id), {})
        for line, count in (decode_json(units) or {}).items():
            back[line] = back.get(line, 0) + count
        if decode_json(units) is None:
            back[_ALL] = 1
    for member_id, kind, source_id, wallet, points in rows.points_by_purchase(connection, span):
        posting_id = purchase_of.get(source_id) if kind == "return" else source_id
        if posting_id is None:
            report.note(_NO_PURCHASE, {"member_id": member_id, "source_id": source_id, "wallet": wallet}, points)
            continue
        of_purchase = sums.points.setdefault((sums.account(member_id), posting_id), {})
        of_purchase[wallet] = of_purchase.get(wallet, 0) + points


_ALL: Final = "\0all"
"""In place of a line: a return of everything that was left."""


def _look_at(
    connection: sa.Connection,
    report: Report,
    row: Any,
    sums: _Sums,
    budgets: defaultdict[tuple[str, date], int],
    receipts: Receipts,
) -> None:
    place = (sums.account(row.member_id), row.posting_id)
    net = sums.points.pop(place, {})
    if what := personal_in_facts(row.facts):
        report.note(_PERSONAL, _key(row), what)
    judged = judge(connection, report, row)
    if judged is None:
        return
    if row.status == "posted":
        receipts.bought(row.purchase_key, row.facts)
        _check_left(report, row, judged, sums.returned.get(place, {}))
        _add(row, judged, sums, budgets)
    if any(differing(net, judged.points)):
        report.note(_NET, _key(row), {"points": net}, {"points": judged.points})


def _key(row: Any) -> dict[str, object]:
    return {"member_id": row.member_id, "posting_id": row.posting_id}


def _check_left(report: Report, row: Any, judged: Judged, returned: Mapping[str, int]) -> None:
    if _ALL in returned:
        expected = dict.fromkeys(judged.bought, 0)
    else:
        back = {line: 1 if line in judged.whole else units for line, units in returned.items()}
        expected = {line: units - back.get(line, 0) for line, units in judged.bought.items()}
    if any(differing(judged.left, expected)):
        report.note(_UNITS, _key(row), {"left": judged.left}, {"left": expected})


def _add(row: Any, judged: Judged, sums: _Sums, budgets: defaultdict[tuple[str, date], int]) -> None:
    account = sums.account(row.member_id)
    for metric, amount in judged.qualifying.items():
        sums.qualifying[account, metric, row.business_day] += amount
    for cap, start, used in judged.member_uses:
        sums.cap_uses[account, cap, start] += used
    for cap, start, used in judged.budget_uses:
        budgets[cap, start] += used
    standing = LastPurchase(row.booked_at, row.posting_id, judged.plan)
    if standing.is_after(sums.standings.get(account)):
        sums.standings[account] = standing


def _compare(connection: sa.Connection, report: Report, span: Group, sums: _Sums) -> None:
    for (member_id, posting_id), points in sums.points.items():
        report.note(_NO_PURCHASE, {"member_id": member_id, "posting_id": posting_id}, {"points": points})
    days = {(one.member_id, one.metric, one.day): one.amount for one in rows.qualifying_of(connection, span)}
    for key in differing(days, sums.qualifying):
        named = dict(zip(("member_id", "metric", "day"), key, strict=True))
        report.note(_DAYS, named, {"amount": days.get(key, 0)}, {"amount": sums.qualifying.get(key, 0)})
    uses = {(one.member_id, one.cap_id, one.period_start): one.used for one in rows.cap_uses_of(connection, span)}
    for key in differing(uses, sums.cap_uses):
        named = dict(zip(("member_id", "cap_id", "period_start"), key, strict=True))
        report.note(_USES, named, {"used": uses.get(key, 0)}, {"used": sums.cap_uses.get(key, 0)})
    if isinstance(span, Family):
        _forget_before_merges(connection, span, sums)
    look_at_levels(connection, report, span, sums.standings, sums.qualifying)


def _forget_before_merges(connection: sa.Connection, family: Family, sums: _Sums) -> None:
    """What two members reach together was not reached at a purchase before they were one."""
    for member_id, at in rows.merged_at(connection, family).items():
        if member_id in sums.standings and sums.standings[member_id].booked_at <= at:
            del sums.standings[member_id]


def _compare_budgets(connection: sa.Connection, report: Report, used: Mapping[tuple[str, date], int]) -> None:
    said = {(one.cap_id, one.period_start): one.used for one in rows.budgets_used(connection)}
    for key in differing(said, used):
        named = dict(zip(("cap_id", "period_start"), key, strict=True))
        report.note(_BUDGETS, named, {"used": said.get(key, 0)}, {"used": used.get(key, 0)})
