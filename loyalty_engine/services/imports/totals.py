"""What an import did, in figures that a shop can hold against its own."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from rules.money import format_amount


@dataclass(slots=True)
class Totals:
    """Control totals. An item is a purchase, a member or a product; a purchase of a flat file has several rows.

    `money_minor` adds up what the accepted purchases cost after their order discounts, by currency, whether they were
    posted now or before: a second run of a file gives the same. `points` is what this run gave, by wallet; `accounted`
    adds up the lots of a file of balances, whether they were opened now or before. `waiting` says why purchases are kept
    and not booked, by the code of the reason.
    """

    rows_read: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    money_minor: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    accounted: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        """Items that couldn't be read, or that the service refused."""
        return self.statuses["rejected"]

    def add(self, other: Self) -> None:
        """Add the totals of another part of the same import."""
        self.rows_read += other.rows_read
        for mine, more in (
            (self.statuses, other.statuses),
            (self.money_minor, other.money_minor),
            (self.points, other.points),
            (self.accounted, other.accounted),
            (self.waiting, other.waiting),
        ):
            mine.update(more)

    def copy(self) -> Self:
        """Return totals that are added to by themselves."""
        return self.from_json(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the totals for `--json` and for the mark of an unfinished import; money in minor units."""
        now_and_then = {"accounted": dict(self.accounted), "waiting": dict(self.waiting)}
        return {
            "rows_read": self.rows_read,
            "statuses": dict(self.statuses),
            "money_minor": dict(self.money_minor),
            "points": dict(self.points),
        } | {name: figures for name, figures in now_and_then.items() if figures}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return what `to_json` wrote; an empty mapping gives zeros."""
        return cls(
            found.get("rows_read", 0),
            Counter(found.get("statuses", {})),
            Counter(found.get("money_minor", {})),
            Counter(found.get("points", {})),
            Counter(found.get("accounted", {})),
            Counter(found.get("waiting", {})),
        )

    def lines(self) -> list[tuple[str, str]]:
        """Return the totals as labels and figures for people; only a purchase has several rows."""
        figures, items = [("rows read", f"{self.rows_read:,}")], self.statuses.total()
        figures += [("purchases in them", f"{items:,}")] if items != self.rows_read else []
        figures += [(_LABELS.get(status, status), f"{count:,}") for status, count in sorted(self.statuses.items())]
        figures += [(f"waiting, {reason}", f"{count:,}") for reason, count in sorted(self.waiting.items())]
        figures += [(f"money, {code}", format_amount(total, code)) for code, total in sorted(self.money_minor.items())]
        figures += [(f"points, {wallet}", f"{points:,}") for wallet, points in sorted(self.points.items())]
        return figures + [(f"accounted for, {wallet}", f"{sum_:,}") for wallet, sum_ in sorted(self.accounted.items())]


_LABELS: Mapping[str, str] = {"replayed": "already there"}
