"""Whether stock and limits agree with the vouchers that were issued, each under the version that issued it."""

from collections import defaultdict
from datetime import date
from typing import Final

import sqlalchemy as sa

from loyalty_engine.services.auditing.report import Progress, Report, Rule, differing
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.services.purchase_documents import decode_json
from loyalty_engine.services.voucher_issuing import counted, reward_in
from loyalty_engine.store.audits import rows
from loyalty_engine.store.audits import vouchers as stored
from loyalty_engine.store.tables import vouchers
from rules.errors import NotFound
from rules.periods import business_day, period_start
from rules.programme import Programme, Reward

_STOCK: Final = Rule(6, "reward_stock", "what is taken of a reward's stock is how many of its vouchers count")
_LIMITS: Final = Rule(6, "limit_uses", "what is used of a limit on rewards is how many vouchers count under it")
_KEPT: Final = Rule(6, "vouchers", "a voucher comes back with the last of the goods that it was used on")
_NAMELESS: Final = Rule(11, "vouchers", "the version that issued it has its reward")

_Uses = defaultdict[tuple[str, str, date], int]


def look(connection: sa.Connection, report: Report, progress: Progress) -> None:
    """Count every voucher again, and note where stock or limits say something else."""
    total = report.looked_at["vouchers"] = rows.count(connection, vouchers)
    stock: defaultdict[str, int] = defaultdict(int)
    with progress("vouchers", total) as advance:
        roots = rows.merged(connection)
        for group in rows.groups(connection, roots):
            uses: _Uses = defaultdict(int)
            for row in stored.of_members(connection, group):
                found = _reward(connection, report, row)
                if found is not None:
                    _count(row, roots.get(row.member_id, row.member_id), *found, stock, uses)
                advance(1)
            said = {tuple(one[:3]): one.used for one in stored.limit_uses_of(connection, group)}
            for key in differing(said, uses):
                named = dict(zip(("member_id", "limit_id", "period_start"), key, strict=True))
                report.note(_LIMITS, named, {"used": said.get(key, 0)}, {"used": uses.get(key, 0)})
    _look_at_returns(connection, report)
    taken = stored.stock_taken(connection)
    for reward in differing(taken, stock):
        report.note(_STOCK, {"reward_id": reward}, {"issued": taken.get(reward, 0)}, {"issued": stock.get(reward, 0)})


def _look_at_returns(connection: sa.Connection, report: Report) -> None:
    for one in stored.used_on_purchases(connection):
        lines, left = decode_json(one.lines).get("off", {}), decode_json(one.left_units)
        if lines and not any(left.get(line, 0) for line in lines):
            key = {"member_id": one.member_id, "voucher_id": one.voucher_id}
            report.note(_KEPT, key, {"status": "redeemed"}, {"status": "issued"})


def _reward(
    connection: sa.Connection, report: Report, row: sa.Row[tuple[object, ...]]
) -> tuple[Programme, Reward] | None:
    try:
        programme = plan_of(connection, row.version).programme
    except NotFound:
        programme = None
    reward = reward_in(programme, row.reward) if programme else None
    if programme is None or reward is None:
        report.note(_NAMELESS, {"member_id": row.member_id, "source_id": row.source_id}, {"version": row.version})
        return None
    return programme, reward


def _count(
    row: sa.Row[tuple[object, ...]],
    member_id: str,
    programme: Programme,
    reward: Reward,
    stock: defaultdict[str, int],
    uses: _Uses,
) -> None:
    """Count a voucher for the member that has it in the end."""
    if reward.stock is not None:
        stock[reward.id] += 1
    under = counted(row.source_kind, row.source_id, reward)
    if under is not None:
        limit, per = under
        uses[member_id, limit, period_start(per, business_day(row.issued_at, programme.time_zone))] += 1
