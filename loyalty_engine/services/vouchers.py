"""Shows vouchers: to whoever has the code, without the member; to the member and the shop's people, the member's own.

A code with a wrong check character is refused before the database is asked. Any other costs the same two look-ups by
key, whether somebody has it or not, so that the time of an answer tells nothing.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import codes
from loyalty_engine.services.programmes import plan_for, plan_of
from loyalty_engine.services.voucher_issuing import reward_of
from loyalty_engine.store import accounts
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.session import reading
from loyalty_engine.store.vouchers import Values
from rules.errors import Invalid, NotFound
from rules.money import format_amount
from rules.periods import business_day
from rules.rewards import in_words


def look_up(code: str) -> dict[str, Any]:
    """Return what a code is good for, and until when; nothing of the member. Raises `Invalid` or `NotFound`."""
    with reading() as connection:
        return shown(connection, located(connection, code))


def located(connection: sa.Connection, code: str) -> Values:
    """Return the voucher behind a code that somebody typed or heard. Raises `Invalid` or `NotFound`."""
    normal = codes.normal_voucher_code(code)
    if normal is None:
        said = {"code": ["read it again: its last character is a check on the others"]}
        raise Invalid("voucher_code_invalid", "This is no voucher's code; one of its characters is wrong.", said)
    row = store.find(connection, store.place_of(connection, normal) or store.NOWHERE)
    if row is None:
        raise unknown()
    return row


def unknown() -> NotFound:
    """Return the refusal of a code that nobody has."""
    return NotFound("voucher_not_found", "There is no voucher with this code.")


def of_member(member_id: str, cursor: str | None, limit: int) -> dict[str, Any]:
    """Return a page of a member's vouchers, newest first."""
    with reading() as connection:
        member_id, _ = accounts.of_member(connection, member_id)
        rows = store.page(connection, member_id, _before(cursor), limit + 1)
        found = [shown(connection, row) for row in rows[:limit]]
    following = rows[limit - 1]["voucher_id"] if len(rows) > limit else None
    return {"member_id": member_id, "vouchers": found, "next": following}


def _before(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        return str(UUID(cursor))
    except ValueError:
        said = {"cursor": ["send `next` as it came"]}
        raise Invalid("cursor_invalid", "The cursor is not one that was given.", said) from None


def shown(connection: sa.Connection, row: Values) -> dict[str, Any]:
    """Return a voucher as the API shows it, by its state of this moment."""
    programme = plan_of(connection, row["version"]).programme
    reward = reward_of(connection, row)
    now, today = moment(connection)
    status = state_of(row, now, today)
    least = reward.minimum_purchase_minor
    return {
        "code": row["code"],
        "status": status,
        "reward": row["reward"],
        "name": dict(reward.name),
        "worth": in_words(reward, programme.money),
        "minimum_purchase": format_amount(least, programme.money) if least else None,
        "valid_through": row["valid_through"],
        "issued_at": row["issued_at"].isoformat(),
        "held_until": row["held_until"].isoformat() if status == "held" else None,
        "redeemed_at": row["redeemed_at"].isoformat() if row["redeemed_at"] else None,
    }


def moment(connection: sa.Connection) -> tuple[datetime, date]:
    """Return the time and the programme's business day."""
    now = clock.now()
    return now, business_day(now, plan_for(connection, now).programme.time_zone)


def state_of(row: Values, now: datetime, today: date) -> str:
    """Return a voucher's state as it is now, also where no nightly run has written it yet."""
    status: str = row["status"]
    if status == "held" and row["held_until"] <= now:
        status = "issued"
    if status == "issued" and row["valid_through"] is not None and row["valid_through"] < today:
        return "expired"
    return status
