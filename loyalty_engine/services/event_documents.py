"""How an event is kept: its facts and what it is about as JSON, and what tells a repetition from another event."""

from collections.abc import Mapping
from datetime import UTC
from hashlib import sha256
from typing import NamedTuple

from loyalty_engine.services.purchase_documents import decode_json, encode_json
from rules.events import Event
from rules.facts import Fact


class Awaited(NamedTuple):
    """Points of a rule that wait for an event of a name."""

    rule: str
    wallet: str
    event: str


def encode(event: Event) -> str:
    """Return the facts of an event, and which one it is about, as text."""
    return encode_json({"facts": dict(sorted(event.facts.items())), "of": event.of})


def facts_of(written: str) -> Mapping[str, Fact]:
    """Return the facts that `encode` wrote."""
    facts: Mapping[str, Fact] = decode_json(written)["facts"]
    return facts


def about(written: str) -> str | None:
    """Return the id of the event that a stored one is about."""
    of: str | None = decode_json(written)["of"]
    return of


def fingerprint(event: Event) -> str:
    """The same for a repetition and for nothing else."""
    content = [event.event, event.occurred_at.astimezone(UTC).isoformat(), encode(event)]
    return sha256(encode_json(content).encode()).hexdigest()


def encode_awaits(awaited: list[Awaited]) -> str | None:
    """Return what still waits as text; None for nothing."""
    return encode_json([list(one) for one in awaited]) if awaited else None


def decode_awaits(written: str | None) -> list[Awaited]:
    """Read what `encode_awaits` wrote."""
    return [Awaited(*one) for one in decode_json(written)] if written else []
