"""What a membership list and a catalogue bring in, as values that the services take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from loyalty_engine.services.intake import MemberReference
from rules.errors import Problem
from rules.facts import Birthday


@dataclass(frozen=True, slots=True)
class Misread:
    """A row that isn't what it should be, with everything that is wrong with it."""

    problems: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """That a member agreed, or didn't, to be written to; `proof` says how it is known."""

    channel: str
    purpose: str
    given: bool
    at: datetime
    proof: str


@dataclass(frozen=True, slots=True)
class HeldLevel:
    """The level that a member brings along, and the last day that it holds; without a day the programme decides."""

    level: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class NewMember:
    """One member of an existing membership. `source` names the row for ever, so that nobody is enrolled twice.

    It is the shop's own id of the member where the file has one, else the file's hash and the row's number.
    """

    source: str
    external_id: str | None = None
    cards: tuple[str, ...] = ()
    phone: str | None = None
    name: str | None = None
    email: str | None = None
    language: str | None = None
    joined_on: date | None = None
    birthday: Birthday | None = None
    consents: tuple[GivenConsent, ...] = ()
    tier: HeldLevel | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NewBalance:
    """One lot of points that a member has elsewhere. `source` names it for ever, so that it is opened once.

    The member is named by exactly one of the first two. Without `expires_on` the points never lapse by themselves;
    with an `available_on` to come they can't be used before that. `active_on` is when the member last took part, for
    wallets that lapse by inactivity; without it that is counted from the day of the import.
    """

    member: MemberReference | None
    external_id: str | None
    source: str
    wallet: str
    points: int
    opened_on: date
    expires_on: date | None = None
    available_on: date | None = None
    active_on: date | None = None


@dataclass(frozen=True, slots=True)
class NewProduct:
    """What the catalogue says of a SKU from a day on; without a day it is said of all time before the next entry."""

    sku: str
    category: str | None = None
    brand: str | None = None
    tags: frozenset[str] = frozenset()
    from_on: date | None = None


@dataclass(frozen=True, slots=True)
class NewStore:
    """A store and the terminals in it."""

    store: str
    name: str
    terminals: tuple[str, ...]
    time_zone: str
