"""The queries of a merge: what belongs to the member that goes, and how it comes to be the other one's.

What follows from purchases (qualifying days, uses of caps) moves with the account; what happened stays where it did.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.statements import add, take
from loyalty_engine.store.survivors import MERGE
from loyalty_engine.store.tables import (
    cap_uses,
    cards,
    consents,
    event_onces,
    expiry_notices,
    external_ids,
    limit_uses,
    lots,
    member_dates,
    member_events,
    occasions_granted,
    one_time_codes,
    phones,
    profiles,
    qualifying_days,
    redemption_keys,
    redemptions,
    voucher_codes,
    vouchers,
)

Values = Mapping[str, Any]

_LOOKUPS: Final = (cards, phones, external_ids)
_COPIED: Final = tuple((table, statements.insert_once(table)) for table in (member_events, event_onces, expiry_notices))
"""In the order that foreign keys ask for. What the other member has under the same key stays as it is there."""
_PUT_GRANTED: Final = statements.insert_once(occasions_granted)
_PUT_DATE: Final = statements.insert_once(member_dates)
_ADDED_UP: Final = tuple((table, statements.upsert(table, used=add("used"))) for table in (cap_uses, limit_uses))
_PERSONAL: Final = (
    ("name",),
    ("phone",),
    ("email",),
    tuple(one.name for one in profiles.columns if one.name.startswith("birthday_")),
)
"""What of a profile is taken over where the other member has nothing of it."""
_FREE: Final[Values] = {"status": "issued", "held_until": None, "lines": None}
_GIVEN: Final[Values] = {"status": "cancelled", "reason": "merged"} | dict.fromkeys(
    ("posting_id", "lines", "worth_minor", "redeemed_at", "held_until")
)
"""A voucher that another member has now."""
_CHANNELS: Final = {"phone": "sms", "email": "email"}
_PUT_REFUSAL: Final = statements.upsert(consents, given=take("given"), at=take("at"), proof=take("proof"))


def lead_on(connection: sa.Connection, old: str, into: str) -> None:
    """Let cards, phones and the shop's own ids lead to the other member."""
    for table in _LOOKUPS:
        connection.execute(table.update().where(table.c.member_id == old).values(member_id=into))


def open_lots(connection: sa.Connection, member_id: str, wallet: str) -> list[Values]:
    """Return the whole rows of the lots that have points left, in the order in which they are used."""
    row = lots.c
    query = sa.select(lots).where(
        row.member_id == member_id, row.wallet == wallet, row.remaining > 0, row.state != "expired"
    )
    order = (row.expires_on.is_(None), row.expires_on, row.opened_on, row.lot_id)
    return [dict(found) for found in connection.execute(query.order_by(*order)).mappings()]


def holds(connection: sa.Connection, member_id: str, now: datetime) -> list[str]:
    """Return what keeps points or vouchers of a member back: `redemption <id>`, `voucher <code>`."""
    held = sa.select(redemptions.c.redemption_id).where(
        redemptions.c.member_id == member_id, redemptions.c.status == "held"
    )
    until = vouchers.c.held_until
    is_over = sa.and_(until.is_not(None), until <= sa.literal(now, until.type))
    shown = sa.select(vouchers.c.code).where(vouchers.c.member_id == member_id, vouchers.c.status == "held", ~is_over)
    found = [f"redemption {one}" for one in connection.scalars(held.order_by(redemptions.c.redemption_id))]
    return found + [f"voucher {one}" for one in connection.scalars(shown.order_by(vouchers.c.code))]


def qualifying(connection: sa.Connection, member_id: str) -> list[Any]:
    """Return (metric, day, amount) of the sums that tiers are judged by."""
    row = qualifying_days.c
    return list(connection.execute(sa.select(row.metric, row.day, row.amount).where(row.member_id == member_id)))


def move_sums(connection: sa.Connection, old: str, into: str) -> None:
    """Add the uses of caps and limits to the other member's, and leave none here, nor any qualifying day."""
    for table, put in _ADDED_UP:
        put.many(connection, [{**row, "member_id": into} for row in _of(connection, table, old)])
    for table in (qualifying_days, cap_uses, limit_uses):
        connection.execute(table.delete().where(table.c.member_id == old))


def copy_marks(connection: sa.Connection, old: str, into: str) -> None:
    """Let the other member know what came already: events, what gave only once, notices of expiry."""
    for table, put in _COPIED:
        put.many(connection, [{**row, "member_id": into} for row in _of(connection, table, old)])


def copy_occasions(connection: sa.Connection, old: str, into: str, but: Collection[str]) -> None:
    """Let the other member count as granted what was granted here, but for occasions whose keys are each member's own."""
    rows = [row for row in _of(connection, occasions_granted, old) if row["occasion_id"] not in but]
    _PUT_GRANTED.many(connection, [{**row, "member_id": into} for row in rows])


def _of(connection: sa.Connection, table: sa.Table, member_id: str) -> list[Values]:
    return [dict(row) for row in connection.execute(sa.select(table).where(table.c.member_id == member_id)).mappings()]


def move_redemptions(connection: sa.Connection, old: str, into: str) -> None:
    """Let points that were spent on no purchase yet pay one that comes; the entries that spent them stay where they are."""
    row = redemptions.c
    unpaid = (row.status == "captured", row.reward.is_(None), row.posting_id.is_(None))
    found = connection.execute(sa.select(redemptions).where(row.member_id == old, *unpaid)).mappings().all()
    for one in found:
        connection.execute(redemptions.insert().values({**one, "member_id": into}))
        of_it = redemption_keys.c.redemption_id == one["redemption_id"]
        connection.execute(redemption_keys.update().where(of_it).values(member_id=into))
        connection.execute(redemptions.delete().where(row.member_id == old, row.redemption_id == one["redemption_id"]))


def move_person(connection: sa.Connection, old: str, into: str) -> None:
    """Take over what the other member lacks, and forget the rest of the person with the codes for signing in."""
    _PUT_DATE.many(connection, [{**row, "member_id": into} for row in _of(connection, member_dates, old)])
    theirs, kept = (next(iter(_of(connection, profiles, one)), {}) for one in (old, into))
    for names in _PERSONAL:
        if kept and all(kept[name] is None for name in names) and any(theirs.get(name) is not None for name in names):
            taken = {name: theirs[name] for name in names}
            connection.execute(profiles.update().where(profiles.c.member_id == into).values(**taken))
            _take_refusals(connection, old, into, names[0])
    _hold_on(connection, into, [one.get("phone_changed_at") for one in (theirs, kept)])
    for table in (one_time_codes, member_dates, profiles):
        connection.execute(table.delete().where(table.c.member_id == old))


def _take_refusals(connection: sa.Connection, old: str, into: str, address: str) -> None:
    """Let what was said no to at an address that is taken over be no there, whatever the other member said elsewhere."""
    refused = [row for row in _of(connection, consents, old) if row["channel"] == _CHANNELS.get(address)]
    _PUT_REFUSAL.many(connection, [{**row, "member_id": into} for row in refused if not row["given"]])


def _hold_on(connection: sa.Connection, member_id: str, changes: Sequence[datetime | None]) -> None:
    """Let points wait as long after a change of phone as either of the two would have waited."""
    found = [at for at in changes if at is not None]
    if found:
        mine = profiles.c.member_id == member_id
        connection.execute(profiles.update().where(mine).values(phone_changed_at=max(found)))


def reissue_vouchers(connection: sa.Connection, old: str, into: str, at: datetime) -> list[tuple[Values, Values]]:
    """Give the other member the vouchers that can be used, with their codes; return each as it was, and the new one.

    With them go those that a purchase used up which is not booked yet: it will be the other one's.
    """
    mine = _of(connection, vouchers, old)
    for one in mine:
        if one["status"] == "redeemed" and one["posting_id"] is None and one["lines"]:
            hand_over(connection, one, into, at)
    return [(one, hand_over(connection, {**one, **_FREE}, into, at)) for one in mine if _is_free(one, at)]


def _is_free(one: Values, now: datetime) -> bool:
    return one["status"] == "issued" or (one["status"] == "held" and bool(one["held_until"] <= now))


def hand_over(connection: sa.Connection, one: Values, into: str, at: datetime) -> Values:
    """Give the other member a voucher as it is in `one`, with its code, and return its new row; the old one is cancelled."""
    row = vouchers.c
    fresh = {**one, "member_id": into, "voucher_id": new_id(), "source_kind": MERGE, "source_id": one["voucher_id"]}
    connection.execute(vouchers.insert().values(**fresh))
    ended = vouchers.update().where(row.member_id == one["member_id"], row.voucher_id == one["voucher_id"])
    connection.execute(ended.values(**_GIVEN, ended_at=at))
    leads = voucher_codes.update().where(voucher_codes.c.code == one["code"])
    connection.execute(leads.values(member_id=into, voucher_id=fresh["voucher_id"]))
    return fresh
