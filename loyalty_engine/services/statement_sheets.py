"""A statement as CSV: for each wallet the opening balance, each entry, and the closing balance."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from loyalty_engine.services.sheets import Cell, sheet
from loyalty_engine.services.statements import Statement, WalletStatement
from rules.movement import Figures
from rules.statement_words import say

HEADINGS: Final = ("wallet", "date", "kind", "what", "about", "points", "forgiven", "balance", "available")


def as_csv(told: Statement) -> bytes:
    """Return a statement as CSV."""
    return sheet(HEADINGS, (row for one in told.wallets for row in _rows(told, one)))


def _rows(told: Statement, one: WalletStatement) -> Iterator[tuple[Cell, ...]]:
    words = say(told.language, "opening_balance", day=told.first)
    yield _balance(one, told, "opening_balance", words, one.opening)
    for line in one.lines:
        entry = (line.kind, line.said, line.about, line.points, line.forgiven, line.balance, line.available)
        yield (one.wallet, line.on, *entry)
    yield _balance(one, told, "closing_balance", say(told.language, "closing_balance", day=told.last), one.closing)


def _balance(one: WalletStatement, told: Statement, kind: str, words: str, figures: Figures) -> tuple[Cell, ...]:
    day = told.first - timedelta(days=1) if kind == "opening_balance" else told.last
    return (one.wallet, day, kind, words, "", None, None, figures.outstanding, figures.available)
