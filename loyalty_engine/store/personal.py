"""What is stored of a person, table by table: what an export shows of it, and what an erasure leaves.

Every table with a member's id stands in `TREATED`; a test walks the tables for one that doesn't.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.store.tables import audit_log, metadata, parked_purchases

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Treatment:
    """`hidden` columns are secrets or the engine's own and not exported; nor is what only repeats another table.

    At an erasure the rows are deleted (`goes`), or the columns in `emptied` get these values; all else stays, without
    saying whose it was.
    """

    hidden: tuple[str, ...] = ()
    shown: bool = True
    goes: bool = False
    emptied: Mapping[str, Any] = field(default_factory=dict)
    but: Mapping[str, Any] = field(default_factory=dict)
    """Rows that say this stay as they are."""
    ended: tuple[str, ...] = ()
    """Columns that have a value by then: somebody else's business, which an audit looks at."""


_STAYS: Final = Treatment()
_GOES: Final = Treatment(goes=True)
_REPEATS: Final = Treatment(shown=False)
_LEASE: Final = ("lease_owner", "lease_until")
TREATED: Final[Mapping[str, Treatment]] = MappingProxyType(
    {
        "members": Treatment(emptied={"time_zone": None}),
        "profiles": Treatment(hidden=("token_secret",), goes=True),
        "consents": _GOES,
        "member_dates": _GOES,
        "one_time_codes": Treatment(hidden=("code_hash",), goes=True),
        "phones": _GOES,
        "external_ids": _GOES,
        "cards": Treatment(emptied={"status": "blocked"}, but={"status": "replaced"}),
        "tokens": Treatment(hidden=("secret_hash",), emptied={"name": "a member"}, ended=("revoked_at",)),
        "messages": Treatment(
            hidden=("sent_digest", *_LEASE), emptied={"to_address": None, "places": "{}", "sent_digest": None}
        ),
        "accounts": _STAYS,
        "ledger_entries": _STAYS,
        "lots": _STAYS,
        "lot_changes": _STAYS,
        "expiry_notices": _STAYS,
        "purchases": Treatment(hidden=("decisions", "answer")),
        "purchase_returns": Treatment(hidden=("fingerprint", "answer")),
        "purchase_keys": _REPEATS,
        "redemptions": _STAYS,
        "redemption_keys": _REPEATS,
        "vouchers": _STAYS,
        "voucher_codes": _REPEATS,
        "member_events": Treatment(hidden=("fingerprint", "answer")),
        "event_onces": _STAYS,
        "qualifying_days": _STAYS,
        "cap_uses": _STAYS,
        "limit_uses": _STAYS,
        "tier_history": _STAYS,
        "occasions_granted": _STAYS,
        "webhook_events": _STAYS,
        "webhook_cursors": Treatment(hidden=_LEASE),
    }
)


def rows_of(connection: sa.Connection, table: str, member_ids: Sequence[str]) -> Rows:
    """Return what an export shows of a table."""
    found, hidden = metadata.tables[table], TREATED[table].hidden
    columns = [column for column in found.columns if column.name not in hidden]
    shown: Rows = []
    for member_id in member_ids:
        query = sa.select(*columns).where(found.c.member_id == member_id).order_by(*found.primary_key.columns)
        shown += [dict(row) for row in connection.execute(query).mappings()]
    return shown


def logged(connection: sa.Connection, member_ids: Collection[str]) -> Rows:
    """Return what the audit log says of members."""
    columns = (audit_log.c.at, audit_log.c.actor, audit_log.c.action, audit_log.c.detail)
    query = sa.select(*columns).where(audit_log.c.target.in_(list(member_ids))).order_by(audit_log.c.entry_id)
    return [dict(row) for row in connection.execute(query).mappings()]


def parked_for(connection: sa.Connection, named: Collection[str]) -> Rows:
    """Return the purchases that wait, and for which a till named a member in one of these ways."""
    columns = [column for column in parked_purchases.columns if column.name not in ("answer", "claim_code")]
    query = sa.select(*columns).where(parked_purchases.c.named_member.in_(list(named)))
    return [dict(row) for row in connection.execute(query.order_by(parked_purchases.c.purchase_key)).mappings()]


def forget_named(connection: sa.Connection, named: Collection[str]) -> int:
    """Forget that a till named a member in one of these ways; return for how many purchases."""
    row = parked_purchases
    told = connection.execute(row.update().where(row.c.named_member.in_(list(named))).values(named_member=None))
    return told.rowcount


def erase(connection: sa.Connection, member_id: str, at: datetime) -> None:
    """Delete or empty what is personal of a member, in every table, and stop the messages that wait."""
    for name, treatment in TREATED.items():
        table = metadata.tables[name]
        mine = table.c.member_id == member_id
        if treatment.goes:
            connection.execute(table.delete().where(mine))
        elif treatment.emptied:
            others = [table.c[column] != value for column, value in treatment.but.items()]
            connection.execute(table.update().where(mine, *others).values(**treatment.emptied))
    cancel_messages(connection, member_id, at)


def cancel_messages(connection: sa.Connection, member_id: str, at: datetime) -> None:
    """Let no message go out that waits, and leave nothing of the person in those that went."""
    messages = metadata.tables["messages"]
    mine, emptied = messages.c.member_id == member_id, dict(TREATED["messages"].emptied)
    connection.execute(messages.update().where(mine).values(**emptied))
    waiting = messages.c.status.in_(("planned", "held"))
    connection.execute(
        messages.update().where(mine, waiting).values(status="cancelled", reason="erased", changed_at=at)
    )
