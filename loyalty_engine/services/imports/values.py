"""Reads one cell or one JSON value as what it should be, or says in a ValueError what would be right."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from fractions import Fraction
from functools import cache
from typing import Any, Final, TypeVar

from loyalty_engine.services.checking import CODE, hides_something
from loyalty_engine.services.imports.doubles import minor_of
from rules.facts import MAX_FACT, Fact, Number
from rules.money import parse_amount

T = TypeVar("T")
D = TypeVar("D", bound=date)

MAX_TEXT: Final = 200
FIRST_YEAR, LAST_YEAR = 1900, 2199
_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")
_EXACT: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_NOON: Final = time(12)
_TRUTHS: Final[Mapping[str, bool]] = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def text(value: Any) -> str:
    """Read text of 1 to `MAX_TEXT` characters in NFC, none of them a control character; numbers count as digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, float):
        raise ValueError("is a double that stands for no one whole number: store it as text")
    if not isinstance(value, str):
        raise ValueError("must be text")
    found = value.strip()
    if not found.isascii():
        found = unicodedata.normalize("NFC", found)
    if not 1 <= len(found) <= MAX_TEXT:
        raise ValueError(f"must have 1 to {MAX_TEXT} characters")
    if hides_something(found):
        raise ValueError("contains a control character, or one that turns the direction of text: leave it out")
    return found


def identifier(value: Any) -> str:
    """Read what a till calls a thing: up to 64 ASCII letters, digits and `. _ ~ -`."""
    found = text(value)
    if not CODE.fullmatch(found):
        raise ValueError("must be 1 to 64 letters, digits or . _ ~ -")
    return found


@cache
def one_of(*words: str) -> Callable[[Any], str]:
    """Return a reader of one of a few words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return read


@cache
def amount(currency: str) -> Callable[[Any], int]:
    """Return a reader of money in major units, as minor units: text, or in parquet a decimal or a double."""

    def read(value: Any) -> int:
        minor = minor_of(value, currency) if isinstance(value, float) else parse_amount(str(value), currency)
        if minor < 0:
            raise ValueError("must not be negative")
        return minor

    return read


@cache
def whole(low: int, high: int) -> Callable[[Any], int]:
    """Return a reader of a whole number in [low, high]."""

    def read(value: Any) -> int:
        written = str(value)
        if isinstance(value, bool) or not _WHOLE.fullmatch(written) or not low <= int(written) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(written)

    return read


def fact(value: Any) -> Fact:
    """Read a named number, exactly, or else a word."""
    written = repr(value) if isinstance(value, float) else value
    if isinstance(value, bool) or not isinstance(written, str | int):
        raise ValueError("must be a number or a word")
    if not _EXACT.fullmatch(str(written)):
        if not isinstance(value, str):
            raise ValueError("must have at most 15 digits and 9 decimals")
        return text(value)
    return _number(str(written))


def _number(written: str) -> Number:
    exact = Fraction(written)
    if not 0 <= exact <= MAX_FACT:
        raise ValueError(f"must be a number from 0 to {MAX_FACT}, or a word")
    return exact.numerator if exact.denominator == 1 else exact


def day(value: Any) -> date:
    """Read a date, written 2026-11-22."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return _in_range(value)
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return _in_range(date.fromisoformat(value))
        except ValueError:
            pass
    raise ValueError(f"must be a date such as 2026-11-22, of the years {FIRST_YEAR} to {LAST_YEAR}")


def _in_range(day: D) -> D:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"must be of the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


@cache
def instant(zone: tzinfo) -> Callable[[Any], datetime]:
    """Return a reader of a time, in UTC: one without an offset is told in `zone`, a date alone is its noon."""

    def read(value: Any) -> datetime:
        found = _time(value)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)

    return read


def _time(value: Any) -> datetime:
    try:
        if isinstance(value, datetime):
            return _in_range(value)
        if isinstance(value, date) or _DATE.fullmatch(str(value)):
            return datetime.combine(day(value), _NOON)
        if _TIME.fullmatch(str(value)):
            return _in_range(datetime.fromisoformat(str(value).upper()))
    except ValueError:
        pass
    raise ValueError(f"must be a time such as 2026-11-22T09:41:00+08:00, of the years {FIRST_YEAR} to {LAST_YEAR}")


def yes_or_no(value: Any) -> bool:
    """Read true or false, or in a flat file yes or no, 1 or 0."""
    found = _TRUTHS.get(str(value).lower())
    if found is None:
        raise ValueError("must be yes or no")
    return found


def listed(reader: Callable[[Any], T], most: int = 100) -> Callable[[Any], tuple[T, ...]]:
    """Return a reader of a list; a flat file writes it as text with semicolons between."""

    def read(value: Any) -> tuple[T, ...]:
        items = [item.strip() for item in value.split(";") if item.strip()] if isinstance(value, str) else value
        if not isinstance(items, list) or len(items) > most:
            raise ValueError(f"must be a list of at most {most}")
        return tuple(reader(item) for item in items)

    return read
