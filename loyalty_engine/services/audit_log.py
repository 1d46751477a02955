"""Who did what to what, and when: written with every act of management, in the same commit."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.actors import Actor
from loyalty_engine.store import audit_log as store
from loyalty_engine.store.audit_log import Entry
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import reading
from rules.errors import Invalid

MAX_PAGE = 500


def record(
    connection: sa.Connection, actor: Actor, action: str, target: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Add to the log: `action` as noun.verb (`token.revoke`), `target` the id of the thing; never personal data."""
    told = json.dumps(detail or {}, ensure_ascii=False, default=str)
    store.insert(connection, Entry(new_id(), clock.now(), str(actor), action, target, told))


def seen_by(actor: Actor, limit: int, before: str | None) -> tuple[tuple[Entry, ...], str | None]:
    """Return a page of the log to whoever may see what all merchants did."""
    actor.check_everywhere()
    return entries(limit, before)


def entries(limit: int = 100, before: str | None = None) -> tuple[tuple[Entry, ...], str | None]:
    """Return a page of the log, newest first, and the cursor for the next page (None at the end)."""
    assert 1 <= limit <= MAX_PAGE
    with reading() as connection:
        page = store.page(connection, limit + 1, _cursor(before))
    return page[:limit], page[limit - 1].entry_id if len(page) > limit else None


def _cursor(before: str | None) -> str | None:
    if before is None:
        return None
    try:
        return str(UUID(before))
    except ValueError:
        raise Invalid("cursor_invalid", "This cursor was not given by an earlier page.") from None
