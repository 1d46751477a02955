"""A row of a file, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rules.errors import Problem


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `number` is the line of a text file on which it starts, counted from 1, or the place in a parquet file.

    `unreadable` says why what there is of it in `values` can't be used.
    """

    number: int
    values: Mapping[str, Any]
    unreadable: Problem | None = None
