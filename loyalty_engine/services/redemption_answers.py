"""What is told of a redemption: what it holds or has spent, what that is worth, and the balances after it."""

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from loyalty_engine.services.programmes import plan_of
from loyalty_engine.services.purchase_answers import balances
from loyalty_engine.services.vouchers import shown
from loyalty_engine.store import redemptions as store
from loyalty_engine.store import vouchers
from loyalty_engine.store.member_state import Account
from loyalty_engine.store.redemptions import Redemption
from rules.money import format_amount
from rules.programme import Programme
from rules.spending import worth_minor

_encode = msgspec.json.Encoder().encode


def redemption_answer(connection: sa.Connection, redemption: Redemption, accounts: Mapping[str, Account]) -> bytes:
    """Return a redemption as the API shows it; `worth` is of the points that it has spent, or holds."""
    programme = plan_of(connection, redemption.version).programme
    key = store.purchase_key(connection, redemption)
    said: dict[str, Any] = {
        "redemption_id": redemption.redemption_id,
        "member_id": redemption.member_id,
        "status": redemption.status,
        "wallet": redemption.wallet,
        "points": redemption.points,
        "captured": redemption.captured,
        "restored": redemption.restored,
        "worth": format_amount(_worth(programme, redemption), programme.money),
        "store": redemption.store_id,
        "purchase_id": key.partition("/")[2] if key else None,
        "expires_at": redemption.expires_at.isoformat() if redemption.expires_at else None,
        "balances": balances(programme, accounts),
        "programme_version": redemption.version,
    }
    if redemption.reward is not None:
        said |= {"reward": redemption.reward, "voucher": _voucher(connection, redemption)}
    return _encode(said)


def _voucher(connection: sa.Connection, redemption: Redemption) -> dict[str, Any] | None:
    """Return the voucher that a redemption bought, wherever a merge took it; None while it is only held."""
    code = vouchers.code_of(connection, redemption.member_id, "redemption", redemption.redemption_id)
    place = vouchers.place_of(connection, code) if code else None
    row = vouchers.find(connection, place) if place else None
    return shown(connection, row) if row else None


def _worth(programme: Programme, redemption: Redemption) -> int:
    points = {"held": redemption.points, "captured": redemption.captured}.get(redemption.status, 0)
    if redemption.wallet is None or redemption.reward is not None or points == 0:
        return 0
    return worth_minor(programme.wallet(redemption.wallet), points)
