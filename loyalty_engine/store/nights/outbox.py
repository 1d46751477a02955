"""What nightly runs tell the outbox of webhooks: an event for each entry and each look at a level, in a few statements.

The same events as `services.webhooks` makes of a posting, for thousands of members; called while the members' rows still
say how far they were before.
"""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.nights.batches import these
from loyalty_engine.store.tables import ledger_entries, members, tier_history
from loyalty_engine.store.types import Instant
from loyalty_engine.store.webhooks import Of, Outbox, append_from

_ENTRY = "seq wallet points available pending held debt forgiven source_kind source_id version occurred_at booked_at"
_TIER = "change_no level since_at review_on source_kind version"


def tell_entries(connection: sa.Connection, member_ids: Collection[str], kind: str, outbox: Outbox | None) -> None:
    """Note the entries of these members that their rows don't count yet."""
    if outbox is None:
        return
    entry = ledger_entries.c
    data = {"entry": entry.kind} | {name: entry[name] for name in _ENTRY.split()}
    number = (entry.seq - members.c.last_seq).label("number")
    chosen = sa.select(entry.member_id, number, _as_json(connection, data).label("payload")).where(
        members.c.member_id == entry.member_id,
        these(connection, entry.member_id, member_ids),
        entry.seq > members.c.last_seq,
    )
    append_from(connection, lambda column: these(connection, column, member_ids), kind, chosen, outbox)


def tell_levels(connection: sa.Connection, of: Of, outbox: Outbox | None) -> None:
    """Note the newest look at the level of each of these members, which their rows don't count yet."""
    if outbox is None:
        return
    look = tier_history.c
    payload = _as_json(connection, {name: look[name] for name in _TIER.split()}).label("payload")
    chosen = sa.select(look.member_id, sa.literal(1).label("number"), payload).where(
        members.c.member_id == look.member_id,
        of(members.c.member_id),
        of(look.member_id),
        look.change_no == members.c.tier_changes + 1,
    )
    append_from(connection, of, "tier", chosen, outbox)


def _as_json(connection: sa.Connection, data: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[str]:
    """Return the text of a JSON object with these fields; times are RFC 3339."""
    on_postgresql = connection.dialect.name == "postgresql"
    pairs: list[sa.ColumnElement[Any]] = []
    for name, value in data.items():
        is_time = isinstance(value.type, Instant)
        pairs += (sa.literal_column(f"'{name}'"), _time(value, on_postgresql) if is_time else value)
    if on_postgresql:
        return sa.cast(sa.func.json_build_object(*pairs), sa.Text)
    return sa.func.json_object(*pairs, type_=sa.Text)


def _time(at: sa.ColumnElement[Any], on_postgresql: bool) -> sa.ColumnElement[str]:
    if on_postgresql:
        form: sa.ColumnElement[str] = sa.literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""")
        return sa.func.to_char(sa.func.timezone(sa.literal_column("'UTC'"), at), form, type_=sa.Text)
    in_utc = sa.func.replace(at, sa.literal_column("' '"), sa.literal_column("'T'"), type_=sa.Text)
    return in_utc.concat(sa.literal_column("'Z'"))
