"""Checks what people typed, and says everything that is wrong at once, each thing by its field and with what would do."""

import re
import unicodedata
from datetime import date, timedelta
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from lunardate import LunarDate

from rules.birthdays import FIRST_LUNAR_YEAR, LAST_LUNAR_YEAR
from rules.errors import Invalid
from rules.facts import Birthday

CODE: Final = re.compile(r"(?!\.\.?\Z)[A-Za-z0-9._~-]{1,64}")
MAX_NAME: Final = 100
_EMAIL: Final = re.compile(
    r"[^@\s<>()\[\],;:\\\"]{1,64}@([A-Za-z0-9\u0080-\U0010ffff-]{1,63}\.)+[A-Za-z\u0080-\U0010ffff-]{2,63}"
)
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_UNSEEN: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the direction of what follows, and make a name look like another."""
_OLDEST_YEARS: Final = 130
_LEAP_YEAR: Final = 2024
_LEAP_MONTHS: Final = range(2, 12)
"""Months of the lunar calendar that some year of its tables has twice."""


class Wrong:
    """What is wrong so far, by field."""

    def __init__(self) -> None:
        self.errors: dict[str, list[str]] = {}

    def note(self, path: str, message: str) -> None:
        """Record that the field at `path` is wrong; `message` says what would be right."""
        self.errors.setdefault(path, []).append(message)

    def refuse_any(self, code: str, what: str) -> None:
        """Raise `Invalid` if anything was noted."""
        if self.errors:
            raise Invalid(code, f"{what} can't be taken as it is: {', '.join(self.errors)}.", self.errors)


def code(wrong: Wrong, path: str, text: str) -> str:
    """Check an identifier that a person chose."""
    if not CODE.fullmatch(text):
        wrong.note(path, "must be 1 to 64 of A-Z a-z 0-9 . _ ~ -")
    return text


def words(wrong: Wrong, path: str, text: str, longest: int = MAX_NAME) -> str:
    """Return text of one line in NFC, without spaces around it."""
    found = text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(found) <= longest:
        wrong.note(path, f"must have 1 to {longest} characters")
    elif hides_something(found):
        wrong.note(path, "must not contain control characters or line breaks")
    return found


def hides_something(text: str) -> bool:
    """Tell whether text holds a control character, a line break, or what turns the direction of the text after it."""
    return not text.isprintable() and any(_is_control(sign) for sign in text)


def _is_control(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign in _UNSEEN


def email(wrong: Wrong, path: str, text: str) -> str:
    """Return an e-mail address: one that looks like one, for only a letter can prove it."""
    found = unicodedata.normalize("NFC", text).strip()
    if len(found) > 254 or not _EMAIL.fullmatch(found) or hides_something(found):
        wrong.note(path, "must be an e-mail address such as anna@example.com")
    return found


def language(wrong: Wrong, path: str, text: str) -> str:
    """Check a language tag."""
    if not _LANGUAGE.fullmatch(text):
        wrong.note(path, "must be a language tag such as en, zh or zh-Hant")
    return text


def time_zone(wrong: Wrong, path: str, text: str) -> str:
    """Check the name of a time zone."""
    if text not in _zones():
        wrong.note(path, "must be a time zone of the IANA list such as Asia/Shanghai")
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def reason(wrong: Wrong, path: str, text: str) -> str:
    """Check why a person did something by hand."""
    return words(wrong, path, text, 500)


def birthday(wrong: Wrong, path: str, given: Birthday, today: date) -> Birthday:
    """Check that there is such a day in its calendar and that it isn't to come; without a year it may be 29 February."""
    try:
        born_on = _lunar(given) if given.calendar == "lunar" else _solar(given)
    except ValueError as error:
        wrong.note(path, str(error))
        return given
    if given.year is not None and not today - timedelta(days=366 * _OLDEST_YEARS) <= born_on <= today:
        wrong.note(path, f"must be in the past, and not more than {_OLDEST_YEARS} years ago")
    return given


def _solar(given: Birthday) -> date:
    if given.leap_month:
        raise ValueError("only the lunar calendar has leap months: leave leap_month out, or set calendar to lunar")
    try:
        return date(given.year if given.year is not None else _LEAP_YEAR, given.month, given.day)
    except ValueError:
        raise ValueError("is not a day of the solar calendar: check month and day") from None


def _lunar(given: Birthday) -> date:
    if not (1 <= given.month <= 12 and 1 <= given.day <= 30):
        raise ValueError("is not a day of the lunar calendar: months are 1 to 12, days 1 to 30")
    if given.leap_month and given.month not in _LEAP_MONTHS:
        raise ValueError(f"the lunar calendar never has a leap month {given.month}: leave leap_month out")
    if given.year is None:
        return date.min
    if not FIRST_LUNAR_YEAR <= given.year <= LAST_LUNAR_YEAR:
        raise ValueError(
            f"the lunar calendar is known from {FIRST_LUNAR_YEAR} to {LAST_LUNAR_YEAR}: leave the year out"
        )
    if given.leap_month and LunarDate.leap_month_for_year(given.year) != given.month:
        raise ValueError(f"the lunar year {given.year} has no leap month {given.month}: leave leap_month out")
    try:
        found: date = LunarDate(given.year, given.month, given.day, given.leap_month).to_solar_date()
    except ValueError:
        raise ValueError(
            f"that month of the lunar year {given.year} has no day {given.day}: it ends on day 29"
        ) from None
    return found
