"""What every gateway is, whatever it speaks: something is handed over, and one of three things is known afterwards.

A gateway never tries twice by itself and never asks the database: `services.dispatch` decides what happens next. The
third thing, `Ambiguous`, is the one that matters: the message may be on its way, so nothing may send it again blindly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as it leaves: to whom, and what it says."""

    member_id: str
    message_id: str
    to: str
    """A number in E.164, or a mail address."""
    text: str
    subject: str = ""
    """Of mail only."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway has it, under its own id where it gives one."""

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway does not have it, which is certain. `permanent`: asking again would be answered the same."""

    code: str
    permanent: bool
    retry_after: int | None = None
    """Seconds that the gateway asks to be left alone for."""
    of_address: bool = False
    """It says something of this address, and nothing of whether the gateway works."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Nobody knows whether the gateway has it."""

    code: str


Outcome = Accepted | Refused | Ambiguous


@dataclass(frozen=True, slots=True)
class Listed:
    """A message that the gateway says it was handed."""

    provider_id: str
    status: str
    """`accepted`, `sent`, `delivered`, `undelivered` or `failed`."""
    error: str | None
    created_at: datetime


class Channel(Protocol):
    """A gateway."""

    @property
    def provider(self) -> str:
        """The name under which messages remember it."""

    def send(self, outgoing: Outgoing) -> Outcome:
        """Hand a message over, once."""

    def find(self, to: str, digest: str, since: datetime, until: datetime) -> Sequence[Listed] | None:
        """Return what was handed over to `to` with the text of `digest` in a time; None where that can't be asked."""


def digest_of(text: str) -> str:
    """Return what is kept of a text, to find it again in a gateway's list."""
    return sha256(text.encode()).hexdigest()
