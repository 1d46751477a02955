"""Reports on points as plain values and as sheets: the same figures in both."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from loyalty_engine.services.liability import Compared, Liability, Moved, WalletLiability
from loyalty_engine.services.sheets import Cell, sheet
from rules.liability import percent
from rules.money import format_amount
from rules.movement import LINES, Figures, Movement
from rules.spans import month_text

_LIABILITY: Final = (
    "wallet", "month_of_issue", "age_months", "level", "points", "breakage_percent", "breakage_points", "owed", "currency",
)  # fmt: skip


def figures_json(figures: Figures) -> dict[str, int]:
    """Return figures with their balance."""
    return {"balance": figures.outstanding, **figures._asdict()}


def liability_json(told: Liability) -> dict[str, Any]:
    """Return a report on what is owed as plain values; money is text in major units."""
    wallets = [_wallet(told, one) for one in told.wallets]
    return {"as_of": told.as_of, "currency": told.currency, "wallets": wallets}


def _wallet(told: Liability, one: WalletLiability) -> dict[str, Any]:
    owed = one.owed_minor
    return {
        "wallet": one.wallet,
        "figures": figures_json(one.figures),
        "points": one.points,
        "breakage_points": sum(one.breakage),
        "owed": _money(told, owed),
        "check": one.check,
        "ages": _ages(told, one),
        "cohorts": [
            {
                "issued": month_text(row.cohort.issued),
                "age_months": row.age,
                "level": row.cohort.level,
                "points": row.points,
                "breakage_percent": percent(row.breakage, 2),
                "breakage_points": one.breakage[place],
                "owed": _money(told, owed and owed[place : place + 1]),
            }
            for place, row in enumerate(one.rows)
        ],
    }


def _ages(told: Liability, one: WalletLiability) -> list[dict[str, Any]]:
    places: dict[int, list[int]] = {}
    for place, row in enumerate(one.rows):
        places.setdefault(row.age, []).append(place)
    return [
        {
            "age_months": age,
            "points": sum(one.rows[place].points for place in mine),
            "breakage_points": sum(one.breakage[place] for place in mine),
            "owed": _money(told, one.owed_minor and [one.owed_minor[place] for place in mine]),
        }
        for age, mine in sorted(places.items())
    ]


def _money(told: Liability, parts: Sequence[int] | None) -> str | None:
    return None if parts is None else format_amount(sum(parts), told.currency)


def liability_csv(told: Liability) -> bytes:
    """Return a report on what is owed as CSV: a row for each month of issue and level, then what the wallet has in all."""
    return sheet(_LIABILITY, (row for one in told.wallets for row in _liability_rows(told, _wallet(told, one))))


def _liability_rows(told: Liability, one: dict[str, Any]) -> Iterator[tuple[Cell, ...]]:
    for row in one["cohorts"]:
        yield (one["wallet"], *row.values(), told.currency)
    yield (one["wallet"], "all", None, None, one["points"], None, one["breakage_points"], one["owed"], told.currency)
    yield (one["wallet"], "debt", None, None, one["figures"]["debt"], None, None, None, None)


def movement_json(told: Moved) -> dict[str, Any]:
    """Return the movement over a period as plain values."""
    wallets = [
        {
            "wallet": one.wallet,
            "opening": figures_json(one.opening),
            "lines": dict(one.lines),
            "closing": figures_json(one.closing),
            "check": one.check,
        }
        for one in told.wallets
    ]
    return {"from": told.first, "to": told.last, "wallets": wallets}


def movement_csv(told: Moved) -> bytes:
    """Return the movement over a period as CSV: a row for each wallet."""
    headings = ("wallet", "from", "to", "opening", *LINES, "closing", "check")
    return sheet(headings, (_movement_row(told, one) for one in told.wallets))


def _movement_row(told: Moved, one: Movement) -> tuple[Cell, ...]:
    lines = (one.lines[line] for line in LINES)
    return (one.wallet, told.first, told.last, one.opening.outstanding, *lines, one.closing.outstanding, one.check)


def compared_json(told: Compared) -> dict[str, Any]:
    """Return a forecast beside what happened as plain values."""
    wallets = [
        {
            "wallet": one.wallet,
            "outstanding": one.outstanding,
            "forecast": one.forecast,
            "lapsed": one.lapsed,
            "error_points": one.error,
            "error_percent": one.error_percent,
        }
        for one in told.wallets
    ]
    days = {"history_from": told.history_from, "cut": told.cut, "through": told.through}
    return {**days, "months_forecast": told.months, "wallets": wallets}
