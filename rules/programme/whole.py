"""A whole programme as one value, with the examples that it promises to keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from rules.programme.accrual import Cap, EventRule, Rule
from rules.programme.common import Texts
from rules.programme.messages import Messages
from rules.programme.occasions import Occasion
from rules.programme.rewards import Reward
from rules.programme.tiers import Level, Tiers
from rules.programme.wallets import Wallet


@dataclass(frozen=True, slots=True)
class Example:
    """A case that the programme promises: a draft that breaks one can't be published.

    `member` and `purchase` are kept as written; `rules.document` has checked that `rules.examples` can read them.
    """

    name: str
    member: Mapping[str, Any]
    purchase: Mapping[str, Any]
    gives: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Programme:
    """One whole programme; a published version of it never changes."""

    id: str
    name: Texts
    money: str
    time_zone: ZoneInfo
    wallets: tuple[Wallet, ...]
    late_days: int = 30
    accrual: tuple[Rule, ...] = ()
    caps: tuple[Cap, ...] = ()
    events: tuple[EventRule, ...] = ()
    tiers: Tiers | None = None
    occasions: tuple[Occasion, ...] = ()
    rewards: tuple[Reward, ...] = ()
    messages: Messages = field(default_factory=Messages)
    examples: tuple[Example, ...] = ()

    def wallet(self, wallet_id: str) -> Wallet:
        """Return the wallet of that id, which the document has checked to exist."""
        return next(wallet for wallet in self.wallets if wallet.id == wallet_id)

    def level(self, level_id: str | None) -> Level | None:
        """Return the level of that id; None where the programme has none, or no longer has it."""
        levels = self.tiers.levels if self.tiers else ()
        return next((level for level in levels if level.id == level_id), None)
