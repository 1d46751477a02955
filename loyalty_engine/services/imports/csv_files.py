"""Reads CSV row by row: what is wrong with one row is that row's trouble, and a quote that stays open is named."""

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Final

from loyalty_engine.services.imports.rows import Row
from rules.errors import Invalid, Problem

_NO_CHARACTER: Final = re.compile("[\udc80-\udcff]")
"""What Python makes of a byte that belongs to no character of UTF-8."""

_FIELD: Final = re.compile(r'(?:"[^"]*+(?:""[^"]*+)*+"|[^",\r\n][^,\r\n]*+|)(?:,|\r\n|\r|\n|$)')
"""A field with what ends it."""


def read(path: Path) -> Iterator[Row]:
    """Yield the rows, empty cells left out; raises `Invalid` where no row can be told from the next one."""
    with _cells(path) as (names, rows):
        for number, cells in rows:
            yield _row(number, names, cells)


def count(path: Path) -> int:
    """Return how many rows there are; raises as `read` does, before anything is made of the first row."""
    with _cells(path) as (_, rows):
        return sum(1 for _ in rows)


@contextmanager
def _cells(path: Path) -> Iterator[tuple[list[str], Iterable[tuple[int, list[str]]]]]:
    """Open a file; yield the names of its columns, and the rows with the lines on which they start."""
    with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file:
        lines = _Lines(file)
        reader = csv.reader(lines, strict=True)
        try:
            names = next(reader, [])
            _check_names(path, names)
            yield names, lines.rows(reader)
        except csv.Error as error:
            raise Invalid("not_csv", f"{path.name}, {lines.where()}: {error}.") from error


class _Lines:
    """The lines of a file, of which those of the present row are remembered."""

    def __init__(self, file: Iterator[str]) -> None:
        self._file = file
        self._before = 0
        self._row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self._row.append(line)
        return line

    def rows(self, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
        """Yield what `reader` reads from these lines, each row with the line on which it starts."""
        self._forget()
        for cells in reader:
            if cells:
                yield self._before + 1, cells
            self._forget()

    def _forget(self) -> None:
        self._before += len(self._row)
        self._row.clear()

    def where(self) -> str:
        """Say where the present row can't be read, and on which line a quote opened that should have been closed before."""
        last = self._before + len(self._row)
        text = "".join(self._row)
        at = 0
        while at < len(text) and (field := _FIELD.match(text, at)) is not None:
            at = field.end()
        if text[at : at + 1] != '"':
            return f"line {last}"
        ends = accumulate(len(line) for line in self._row)
        opened = next(number for number, end in enumerate(ends, self._before + 1) if at < end)
        remedy = "close it, or write it twice where it belongs to the text"
        return f"line {opened}: a quote opens here that isn't closed where it should be; {remedy}. Line {last}"


def _row(number: int, names: list[str], cells: list[str]) -> Row:
    text = "".join(cells)
    if not text.isascii() and _NO_CHARACTER.search(text):
        return _not_utf8(number, names, cells)
    values = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
    if len(cells) != len(names):
        return Row(number, values, Problem("", f"has {len(cells)} cells, and the first line has {len(names)}"))
    return Row(number, values)


def _not_utf8(number: int, names: list[str], cells: list[str]) -> Row:
    bad = [(name, found) for name, cell in zip(names, cells, strict=False) if (found := _NO_CHARACTER.search(cell))]
    column, byte = (bad[0][0], bad[0][1][0]) if bad else ("", _NO_CHARACTER.findall("".join(cells))[0])
    said = f"is not UTF-8: byte 0x{ord(byte) - 0xDC00:02X} belongs to no character; save the file as UTF-8"
    seen = {name: _NO_CHARACTER.sub("\ufffd", cell) for name, cell in zip(names, cells, strict=False) if cell}
    return Row(number, seen, Problem(column, said))


def _check_names(path: Path, names: list[str]) -> None:
    if not names:
        raise Invalid("no_header", f"{path.name}: the first line must name the columns.")
    if _NO_CHARACTER.search("".join(names)):
        raise Invalid("not_utf8", f"{path.name}: the first line is not UTF-8; save the file as UTF-8.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Invalid("column_twice", f"{path.name}: the column {twice[0]!r} is there more than once.")
