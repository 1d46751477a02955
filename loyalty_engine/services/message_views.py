"""What people see of messages: those that failed and why, all that a member was told, a template as a member would get it.

No telephone number and no address is shown, and of a code nothing at all.
"""

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.members import checked_id, no_member
from loyalty_engine.services.message_costs import cost_words
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import message_lists as store
from loyalty_engine.store import survivors
from loyalty_engine.store.ids import is_id
from loyalty_engine.store.messages import Message
from loyalty_engine.store.session import reading
from rules.errors import Invalid
from rules.programme import Programme

STATUSES: Final = (
    "planned held suppressed expired cancelled sending accepted sent delivered undelivered failed unknown".split()
)
_SHOWN: Final = (
    "message_id member_id template purpose channel language status reason cause_kind cause_id send_at send_by planned_at"
    " changed_at segments merged_into provider provider_error version"
).split()


def listing(
    actor: Actor, status: str, template: str | None, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of the messages in a state, the last changed first, and the cursor of the next (None at the end)."""
    actor.check_everywhere()
    before = _before(cursor)
    with reading() as connection:
        found = store.in_status(connection, status, template, before, limit + 1)
        shown = _shown(connection, found[:limit])
    last = found[limit - 1] if len(found) > limit else None
    return shown, f"{last.changed_at.isoformat()}~{last.message_id}" if last else None


def _before(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    at, _, message_id = cursor.partition("~")
    try:
        when = datetime.fromisoformat(at)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None or not is_id(message_id):
        raise Invalid("cursor_invalid", "This cursor was not given by an earlier page.")
    return when, message_id


def of_member(actor: Actor, member_id: str, cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Return a page of all that a member was told or not told, the last planned first. Raises `NotFound`."""
    actor.check_everywhere()
    if cursor is not None and not is_id(cursor):
        raise Invalid("cursor_invalid", "This cursor was not given by an earlier page.")
    with reading() as connection:
        known = survivors.find(connection, checked_id(member_id))
        if known is None:
            raise no_member()
        found = store.of_member(connection, known, cursor, limit + 1)
        return _shown(connection, found[:limit]), found[limit - 1].message_id if len(found) > limit else None


def _shown(connection: sa.Connection, found: list[Message]) -> list[dict[str, Any]]:
    programme = plan_for(connection, clock.now()).programme
    return [shown(programme, one) for one in found]


def shown(programme: Programme, one: Message) -> dict[str, Any]:
    """Return what anybody may see of a message."""
    told = {name: getattr(one, name) for name in _SHOWN}
    told["places"] = {} if one.purpose == "code" else one.filled()
    return told | {"cost": cost_words(programme, one.channel, one.segments or 0)}


def shown_now(one: Message) -> dict[str, Any]:
    """Return the same, by the programme in force."""
    with reading() as connection:
        return _shown(connection, [one])[0]
