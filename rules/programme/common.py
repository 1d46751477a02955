"""What several parts of a programme are made of: texts in languages, a number of times in a period."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rules.periods import Per, Period

Texts = Mapping[str, str]
"""Language to text. A text without a language stands under `""`."""

NO_TIME: Final = Period(0, "days")


@dataclass(frozen=True, slots=True)
class TimesPer:
    per: Per
    times: int
