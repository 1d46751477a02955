"""What became of a wallet's points in a period, line by line: what each kind of entry is called, and with which sign.

Source: RELIABILITY.md, The ledger, 7. Outstanding points are available + pending + held − debt; every entry moves them
by its points and what it forgives, so that opening + the lines = closing, to the point.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

LINE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accrual": "issued",
        "opening": "brought_in",
        "gift": "gifted",
        "restoration": "restored",
        "reinstatement": "reinstated",
        "transfer_in": "transferred_in",
        "adjustment": "adjusted",
        "redemption": "redeemed",
        "expiry": "expired",
        "reversal": "reversed",
        "transfer_out": "transferred_out",
        "hold": "moved",
        "release": "moved",
        "maturity": "moved",
    }
)
"""The line that each kind of entry counts in; `moved` ones only move points between figures, and add up to 0."""

LINES: Final = (
    "issued",
    "brought_in",
    "gifted",
    "restored",
    "reinstated",
    "transferred_in",
    "adjusted",
    "redeemed",
    "expired",
    "reversed",
    "forgiven",
    "transferred_out",
)
"""In the order in which a report shows them, each by its sign: what was redeemed is negative."""


class Figures(NamedTuple):
    """The figures of an account, or of all accounts of a wallet."""

    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0

    @property
    def outstanding(self) -> int:
        """The points that are owed to members, less those that members owe."""
        return self.available + self.pending + self.held - self.debt

    def plus(self, other: "Figures") -> "Figures":
        """Return the sums of both."""
        return Figures(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Booked(NamedTuple):
    """The sums of one kind of entry in one wallet: those `before` the period, or those in it."""

    wallet: str
    kind: str
    before: bool
    points: int
    forgiven: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Movement:
    """One wallet's points over a period."""

    wallet: str
    opening: Figures
    lines: Mapping[str, int]
    closing: Figures

    @property
    def check(self) -> int:
        """What doesn't add up: 0, or entries are wrong."""
        return self.opening.outstanding + sum(self.lines.values()) - self.closing.outstanding


def movements(wallets: Iterable[str], booked: Iterable[Booked]) -> tuple[Movement, ...]:
    """Return each wallet's movement: those named first, then any other that has entries.

    Figures come from what entries moved, lines from what they say they gave and took: two sides that must agree.
    """
    by_wallet: dict[str, list[Booked]] = {wallet: [] for wallet in wallets}
    for one in booked:
        by_wallet.setdefault(one.wallet, []).append(one)
    return tuple(_movement(wallet, sums) for wallet, sums in by_wallet.items())


def _movement(wallet: str, sums: Iterable[Booked]) -> Movement:
    lines = dict.fromkeys(LINES, 0)
    opening = closing = Figures()
    for one in sums:
        closing = closing.plus(one.figures)
        if one.before:
            opening = opening.plus(one.figures)
            continue
        line = LINE_OF.get(one.kind)
        if line in lines:
            lines[line] += one.points
        lines["forgiven"] += one.forgiven
    return Movement(wallet, opening, lines, closing)
