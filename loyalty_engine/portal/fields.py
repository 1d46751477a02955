"""What is typed into forms becomes values: days in two calendars, a language; what can't be one is refused by its field."""

from typing import Final, Literal

from loyalty_engine.portal.forms import field
from loyalty_engine.portal.languages import NAMES
from rules.errors import Invalid
from rules.facts import Birthday

_FULL_WIDTH: Final = str.maketrans("０１２３４５６７８９", "0123456789")


def birthday(path: str = "birthday") -> Birthday | None:
    """Return the day of the fields `month`, `day`, `year`, `calendar` and `leap_month`; None where all are empty."""
    month, day, year = (_number(name, path) for name in ("month", "day", "year"))
    if month is None and day is None and year is None:
        return None
    if month is None or day is None:
        raise _no_day(path)
    calendar: Literal["solar", "lunar"] = "lunar" if field("calendar") == "lunar" else "solar"
    return Birthday(month, day, year, calendar, calendar == "lunar" and bool(field("leap_month")))


def _number(name: str, path: str) -> int | None:
    text = field(name).translate(_FULL_WIDTH)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise _no_day(path)
    return int(text)


def _no_day(path: str) -> Invalid:
    return Invalid("day_invalid", "This is no day.", {path: ["month and day are numbers"]})


def chosen_language() -> str | None:
    """Return the language of the field `language`; None for one that the pages don't speak."""
    named = field("language")
    return named if named in NAMES else None
