"""Messages as values: how and when members are written to, and with which texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from fractions import Fraction
from typing import Final, Literal

from rules.programme.common import Texts, TimesPer


@dataclass(frozen=True, slots=True)
class QuietHours:
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class ExpiryNotices:
    days_before: tuple[int, ...]
    at_least: int
    template: str


Channel = Literal["sms", "email"]
CHANNELS: Final[tuple[Channel, ...]] = ("sms", "email")


@dataclass(frozen=True, slots=True)
class Template:
    id: str
    purpose: Literal["service", "greeting", "marketing"]
    texts: Texts
    channels: tuple[Channel, ...] = CHANNELS
    """The first one for which the member has an address and allows it is taken."""
    subject: Texts = field(default_factory=dict)
    """Of an e-mail; without one it is the programme's name."""


@dataclass(frozen=True, slots=True)
class Messages:
    """How and when members are written to."""

    templates: tuple[Template, ...] = ()
    quiet_hours: QuietHours | None = None
    at: time = time(10, 30)
    signature: Texts = field(default_factory=dict)
    limit: Mapping[str, TimesPer] = field(default_factory=dict)
    expiry_notices: ExpiryNotices | None = None
    cost_minor: Mapping[str, Fraction] = field(default_factory=dict)
    """Channel to minor units of money a segment, exactly."""
