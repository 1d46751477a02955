"""Telephone numbers as people write them, in the one form that finds a member again (E.164)."""

from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers

REMEDY: Final = "write it with + and the country's code, such as +8613800138000"

_MOBILE: Final = frozenset(
    {
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
        phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
    }
)


class BadPhone(ValueError):
    """The text is no telephone number; says what would be, and never repeats the text."""


def e164(text: str, region: str | None = None) -> str:
    """Return a number as `+8613800138000`; one without a country's code is read as one of `region` (`CN`)."""
    if not text.isascii() or len(text) > 40:
        raise BadPhone(f"is not a telephone number: {REMEDY}")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise BadPhone(f"is not a telephone number: {REMEDY}") from None
    if not phonenumbers.is_valid_number(number):
        raise BadPhone(f"is not a number that can be called: {REMEDY}")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def takes_sms(number: str) -> bool:
    """Tell whether a number in E.164 can get a text message: a landline, a premium number and the like can't."""
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False
    return kind in _MOBILE


@cache
def region_of(zone: ZoneInfo) -> str | None:
    """Return the country that a programme's time zone lies in, whose numbers need no country's code; None for UTC."""
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        parts = line.split("\t")
        if not line.startswith("#") and parts[2] == zone.key:
            return parts[0]
    return None
