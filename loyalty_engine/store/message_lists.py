"""The queries behind what people see of messages: those in a state, those of a member, and sums of what is to come."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.messages import COLUMNS, Message
from loyalty_engine.store.tables import messages

_ROW = messages.c


def in_status(
    connection: sa.Connection, status: str, template: str | None, before: tuple[datetime, str] | None, limit: int
) -> list[Message]:
    """Return messages in a state, the last changed first; those after `before` (when it changed, its id) of a page."""
    query = sa.select(*COLUMNS).where(_ROW.status == status)
    if template is not None:
        query = query.where(_ROW.template == template)
    if before is not None:
        at = sa.literal(before[0], _ROW.changed_at.type)
        query = query.where(_ROW.changed_at <= at, sa.or_(_ROW.changed_at < at, _ROW.message_id < before[1]))
    found = connection.execute(query.order_by(_ROW.changed_at.desc(), _ROW.message_id.desc()).limit(limit))
    return [Message(*row) for row in found]


def of_member(connection: sa.Connection, member_id: str, before: str | None, limit: int) -> list[Message]:
    """Return a member's messages, the last planned first; those before an id where one is given."""
    query = sa.select(*COLUMNS).where(_ROW.member_id == member_id)
    if before is not None:
        query = query.where(_ROW.message_id < before)
    return [Message(*row) for row in connection.execute(query.order_by(_ROW.message_id.desc()).limit(limit))]


class Sum(NamedTuple):
    """How many messages of a template go out over a channel, and in how many segments."""

    template: str
    channel: str
    messages: int
    segments: int


def waiting(connection: sa.Connection, status: str, since: datetime | None, until: datetime) -> Sequence[Sum]:
    """Return the sums of what is planned or held to be sent before `until`, and not before `since` where it is given."""
    when = [_ROW.status == sa.literal_column(f"'{status}'"), _ROW.send_at < sa.literal(until, _ROW.send_at.type)]
    if since is not None:
        when.append(_ROW.send_at >= sa.literal(since, _ROW.send_at.type))
    segments = sa.func.sum(sa.func.coalesce(_ROW.segments, 0))
    query = sa.select(_ROW.template, _ROW.channel, sa.func.count(), segments).where(*when)
    found = connection.execute(query.group_by(_ROW.template, _ROW.channel).order_by(_ROW.template, _ROW.channel))
    return [Sum(template, channel, count, int(total)) for template, channel, count, total in found]
