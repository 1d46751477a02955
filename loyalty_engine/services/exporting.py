"""Everything that is kept of a member, as one object: table by table, without what is only ours (hashes, leases)."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.erasure import names
from loyalty_engine.services.members import current_id, load
from loyalty_engine.services.messages import nobody
from loyalty_engine.services.purchase_documents import decode_json
from loyalty_engine.store import personal, survivors
from loyalty_engine.store.personal import TREATED, Rows
from loyalty_engine.store.session import in_transaction, snapshot

_DOCUMENTS: Final = frozenset(
    "facts decisions answer granted cap_use kept left_units units lines places payload segments attributes detail"
    " named_member".split()
)
"""Columns of text that is JSON."""
_OF_CODES: Final = {"places": "{}", "to_address": None}
"""What is shown of a code: it may still open what it was made for, whoever reads the export."""


def export(actor: Actor, member_id: str) -> dict[str, Any]:
    """Return all that is kept of a member, also under the ids of members that were merged into it. It is logged."""
    actor.check_everywhere()
    known, codes = in_transaction(lambda connection: _begun(connection, actor, member_id))
    with snapshot() as connection:
        family = survivors.family(connection, known)
        tables = {name: _of(connection, name, family, codes) for name, one in TREATED.items() if one.shown}
        tables["parked_purchases"] = personal.parked_for(connection, names(connection, known))
        tables["audit_log"] = personal.logged(connection, family)
    told = {name: [_read(row) for row in rows] for name, rows in tables.items()}
    return {"member_id": known, "exported_at": clock.now(), "tables": told}


def _begun(connection: sa.Connection, actor: Actor, member_id: str) -> tuple[str, list[str]]:
    """Note who asked, and find under which ids messages to the member's phone may stand: codes from before it joined."""
    known = current_id(connection, member_id)
    member = load(connection, known)
    audit_log.record(connection, actor, "member.export", known)
    return known, [nobody(connection, member.phone)] if member.phone else []


def _of(connection: sa.Connection, table: str, family: Sequence[str], codes: Sequence[str]) -> Rows:
    if table != "messages":
        return personal.rows_of(connection, table, family)
    rows = personal.rows_of(connection, table, [*family, *codes])
    return [row | _OF_CODES if row["purpose"] == "code" else row for row in rows]


def _read(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _read_one(name, value) for name, value in row.items()}


def _read_one(name: str, value: Any) -> Any:
    return decode_json(value) if name in _DOCUMENTS and isinstance(value, str) else value
