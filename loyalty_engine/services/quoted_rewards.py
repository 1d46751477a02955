"""Says with a quote which vouchers of the member would be worth something on the basket, and which rewards are in reach."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import codes
from loyalty_engine.services.purchase_vouchers import UNUSABLE, is_usable
from loyalty_engine.services.voucher_issuing import own_limit, reward_of
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.vouchers import Values
from rules.facts import Purchase
from rules.money import format_amount
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import Reward
from rules.rewards import Open, Worth, WorthNothing, in_words, less, level_refusal, open_basket, worth_on

NONE: Final[Mapping[str, Any]] = {"vouchers": [], "unusable": [], "bought": []}
"""Of a basket whose member isn't known."""


def quoted(
    connection: sa.Connection, state: MemberState, plan: Plan, purchase: Purchase, key: str, asked: Sequence[str]
) -> Mapping[str, Any]:
    """Return `vouchers` that can be used on the basket, `unusable` ones that were asked for, and what can be `bought`.

    The basket is as it is before any voucher. Those that were `asked` for come first, in their order, each on what the
    ones before it leave; of the others each is judged on what those leave.
    """
    today = business_day(clock.now(), plan.programme.time_zone)
    day = business_day(purchase.occurred_at, plan.programme.time_zone)
    held = {
        row["code"]: row for row in store.usable(connection, state.member_id) if is_usable(row, key, day, clock.now())
    }
    told, unusable, left = [], [], open_basket(purchase)
    for code, typed in {codes.normal_code(typed) or typed: typed for typed in asked}.items():
        row = held.pop(code, None)
        worth = _worth(connection, row, purchase, left) if row else None
        if row is not None and isinstance(worth, Worth):
            left = less(left, worth)
            told.append(_voucher(connection, row, worth, purchase))
        else:
            because, detail = (worth.code, worth.detail) if isinstance(worth, WorthNothing) else _UNUSABLE
            unusable.append({"code": typed, "because": because, "detail": detail})
    for row in held.values():
        worth = _worth(connection, row, purchase, left)
        if isinstance(worth, Worth):
            told.append(_voucher(connection, row, worth, purchase))
    bought = [_reward(plan, reward) for reward in _in_reach(connection, state, plan, today)]
    return {"vouchers": told, "unusable": unusable, "bought": bought}


_UNUSABLE: Final = (UNUSABLE, "It is unknown, another member's, used, held elsewhere, expired or cancelled.")


def _worth(connection: sa.Connection, row: Values, purchase: Purchase, left: Open) -> Worth | WorthNothing:
    return worth_on(reward_of(connection, row), purchase, left)


def _voucher(connection: sa.Connection, row: Values, worth: Worth, purchase: Purchase) -> dict[str, Any]:
    lines = [{"line_id": line, "off": format_amount(off, purchase.currency)} for line, off in worth.lines.items()]
    return {
        "code": row["code"],
        "reward": row["reward"],
        "name": dict(reward_of(connection, row).name),
        "worth": format_amount(worth.minor, purchase.currency),
        "lines": lines,
        "valid_through": row["valid_through"],
    }


def _in_reach(connection: sa.Connection, state: MemberState, plan: Plan, today: date) -> Iterator[Reward]:
    """Yield the rewards that the member could buy now: by level, balance, limit and stock."""
    for reward in plan.programme.rewards:
        account = state.accounts.get(reward.cost.wallet) if reward.cost else None
        if reward.cost is None or account is None or account.available < reward.cost.points:
            continue
        limit = own_limit(reward)
        if level_refusal(reward, state.level) or (limit and limit.refusal(connection, state.member_id, today)):
            continue
        if reward.stock is None or store.stock_taken(connection, reward.id) < reward.stock:
            yield reward


def _reward(plan: Plan, reward: Reward) -> dict[str, Any]:
    assert reward.cost is not None, "it is in reach"
    return {
        "reward": reward.id,
        "name": dict(reward.name),
        "worth": in_words(reward, plan.programme.money),
        "cost": {"wallet": reward.cost.wallet, "points": reward.cost.points},
    }
