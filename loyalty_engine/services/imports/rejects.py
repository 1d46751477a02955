"""Writes the rows that an import refused beside the file, each with its line, its field and the reason."""

import csv
from collections.abc import Callable, Mapping, Sequence
from os import truncate
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import msgspec

from rules.errors import Problem

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS: Final = ("line", "field", "reason", "row")


class RejectFile:
    """A reject file, NDJSON or CSV by the ending of its name, which is made when the first row is refused.

    Each record is one thing that is wrong with one row; the row itself stands in it, as JSON. `continued` keeps what
    an earlier, unfinished run wrote.
    """

    def __init__(self, path: Path, *, continued: bool = False) -> None:
        self.path = path
        self._file: IO[str] | None = None
        self._write: Callable[[Mapping[str, Any]], None] = self._write_json
        if not continued:
            path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def add(self, line: int, problems: Sequence[Problem], row: Mapping[str, Any]) -> None:
        """Write what is wrong with a row."""
        if self._file is None:
            self._open()
        for problem in problems:
            self._write({"line": line, "field": problem.path, "reason": problem.message, "row": row})

    def place(self) -> int:
        """Return how long the file is by now, written out so that it is there when the process is killed; 0 without one."""
        if self._file is not None:
            self._file.flush()
        return self.path.stat().st_size if self.path.exists() else 0

    def back_to(self, place: int) -> None:
        """Forget what was added since it was so long."""
        if self.place() <= place:
            return
        self._close()
        if place:
            truncate(self.path, place)
        else:
            self.path.unlink()

    def _open(self) -> None:
        fresh = not self.path.exists()
        self._file = self.path.open("a", encoding="utf-8", newline="")
        if self.path.suffix.lower() == ".csv":
            writer = csv.writer(self._file)
            if fresh:
                writer.writerow(_COLUMNS)
            self._write = lambda record: writer.writerow([_cell(record[name]) for name in _COLUMNS])

    def _write_json(self, record: Mapping[str, Any]) -> None:
        assert self._file is not None
        self._file.write(_json(record) + "\n")


def _json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


def _cell(value: Any) -> str:
    """Return a CSV cell that no spreadsheet takes for a formula."""
    written = value if isinstance(value, str) else _json(value)
    return f"'{written}" if written.startswith(_FORMULA) else written
