"""CSV for spreadsheets: text that would be run as a formula is quoted, and the encoding is said by a mark in front.

Source: RELIABILITY.md, Doors (CSV cells that start a formula are quoted).
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

Cell = str | int | date | None
_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def sheet(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return the rows as CSV in UTF-8 with a byte order mark; numbers and days are themselves, and None is nothing."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([_shown(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _shown(cell: Cell) -> str | int:
    if cell is None:
        return ""
    return harmless(cell) if isinstance(cell, str) else cell if isinstance(cell, int) else cell.isoformat()


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe before it."""
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_STARTS_A_FORMULA) else text
