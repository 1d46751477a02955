"""Shows how far the targets of webhooks are, and sets one back so that it is told again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.config.webhooks import WebhookTarget
from loyalty_engine.services import audit_log, webhooks
from loyalty_engine.services.actors import Actor
from loyalty_engine.store import webhook_positions as store
from loyalty_engine.store.session import in_transaction, reading
from rules.errors import Invalid, NotFound

_MEMBERS_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Position:
    """How far a target is."""

    target: str
    host: str
    kinds: tuple[str, ...]
    waiting_events: int
    waiting_members: int
    oldest_seconds: int | None
    """How long ago the oldest event happened that it was not told of; None where it was told of all."""
    parked_members: int
    """Of so many its events were given up, until they are replayed."""
    error: str | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """From when on a target is told again, and of how many members."""

    target: str
    since: datetime
    members: int


def positions() -> tuple[Position, ...]:
    """Return how far each target of the settings is."""
    with reading() as connection:
        return tuple(_position(connection, target) for target in webhooks.targets())


def _position(connection: sa.Connection, target: WebhookTarget) -> Position:
    events, members, oldest_at = store.backlog(connection, target.name, target.kinds)
    parked, error = store.parked(connection, target.name)
    age = None if oldest_at is None else max(0, int((clock.now() - oldest_at).total_seconds()))
    return Position(target.name, target.host, target.kinds, events, members, age, parked, error)


def replay(actor: Actor, name: str, since: datetime) -> Replayed:
    """Let a target be told again of everything from `since` on that is still kept, and of what was given up there.

    Raises `NotFound` for a target that the settings don't name, and `Invalid` for a time to come. Twice does no harm.
    """
    if name not in {target.name for target in webhooks.targets()}:
        known = ", ".join(target.name for target in webhooks.targets()) or "none"
        raise NotFound("webhook_target_not_found", f"The settings name no target {name}; there are: {known}.")
    if since.tzinfo is None or since > clock.now():
        said = {"from": ["give a time that is past, with its offset: 2026-11-01T00:00Z"]}
        raise Invalid("replay_time_invalid", "Events are replayed from a time that is past.", said)
    since, members, after = since.astimezone(UTC), 0, None
    while True:
        page = in_transaction(partial(_set_back, name=name, since=since, after=after))
        if not page:
            break
        members, after = members + len(page), page[-1]
    told = {"from": since.isoformat(), "members": members}
    in_transaction(lambda connection: audit_log.record(connection, actor, "webhooks.replay", name, told))
    return Replayed(name, since, members)


def _set_back(connection: sa.Connection, name: str, since: datetime, after: str | None) -> list[str]:
    page = store.members_since(connection, since, after, _MEMBERS_AT_ONCE)
    if page:
        store.set_back(connection, name, page, since, clock.now())
    return page
