"""Single values as they are written in JSON: what is well-formed, what it means, and what to write instead.

Each function takes text and returns the value; it raises ValueError, with the remedy, for anything else. Both readers
of a body (schemas and hot.py) call these, so that they can't disagree. Source: RELIABILITY.md, Doors.
"""

import re
import unicodedata
from datetime import date, datetime
from functools import partial
from typing import Final
from uuid import UUID

from loyalty_engine.services.checking import CODE
from rules.money import is_currency

MAX_LINES: Final = 500

_DATE: Final = r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}"
_DAY: Final = re.compile(_DATE)
_INSTANT: Final = re.compile(
    _DATE + r"[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LANGUAGE: Final = re.compile(r"[a-zA-Z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")
_HIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def text(written: str, at_most: int) -> str:
    """Return text of 1 to `at_most` characters in Unicode's normal form C, without control characters."""
    if written.isascii() and written.isprintable():
        normal = written
    else:
        # Normalising takes time, and shortens a text to a third at most.
        if len(written) > 4 * at_most:
            raise ValueError(f"{len(written)} characters are too many: write at most {at_most}")
        if _HIDDEN.search(written):
            raise ValueError("holds a character that can't be seen (a control character, a line break): leave it out")
        normal = unicodedata.normalize("NFC", written)
    if len(normal) > at_most:
        raise ValueError(f"{len(normal)} characters are too many: write at most {at_most}")
    if not normal.strip():
        raise ValueError("nothing is written here: write something, or leave the field out")
    return normal


word = partial(text, at_most=64)
phrase = partial(text, at_most=200)
note = partial(text, at_most=500)


def code(written: str) -> str:
    """Return an identifier that a till or a shop made: it stands in URLs, so its characters are few; there `.` and `..` mean another place."""
    if CODE.fullmatch(written) is None:
        raise ValueError("not an identifier: write 1 to 64 of the characters A-Z a-z 0-9 . _ ~ -, and more than dots")
    return written


def uuid(written: str) -> str:
    """Return an identifier that the engine made, in its usual form."""
    if _UUID.fullmatch(written) is None:
        raise ValueError('not an id of ours: they look like "01a2b3c4-0000-7000-8000-000000000000"')
    return str(UUID(written))


def instant(written: str) -> datetime:
    """Return an RFC 3339 date and time, which must carry its offset; aware, with that offset."""
    try:
        if _INSTANT.fullmatch(written):
            return datetime.fromisoformat(written.upper())
    except ValueError:
        pass
    raise ValueError('not a date and time with its offset, from 1900 to 2199: write it as "2026-11-22T09:41:00+08:00"')


def day(written: str) -> date:
    """Return an ISO 8601 date of the years 1900 to 2199."""
    try:
        if _DAY.fullmatch(written):
            return date.fromisoformat(written)
    except ValueError:
        pass
    raise ValueError('not a date from 1900-01-01 to 2199-12-31: write it as "2026-11-22"')


def currency(written: str) -> str:
    """Return an ISO 4217 code."""
    if not is_currency(written):
        raise ValueError('not a currency: write its three capital letters, such as "CNY"')
    return written


def phone(written: str) -> str:
    """Return a phone number in the form of E.164; whether there is such a number is for the service to say."""
    if _PHONE.fullmatch(written) is None:
        raise ValueError('not an international phone number: write it as "+8613800138000", digits only after the +')
    return written


def email(written: str) -> str:
    """Return an e-mail address, of which only the form of the whole is checked: the mail itself proves the rest."""
    address = text(written, 254)
    local, _, domain = address.rpartition("@")
    if not local or "." not in domain or " " in address or domain.startswith(".") or domain.endswith("."):
        raise ValueError('not an e-mail address: write it as "lin@example.com"')
    return address


def language(written: str) -> str:
    """Return a language tag, such as `en` or `zh-Hant`."""
    if _LANGUAGE.fullmatch(written) is None:
        raise ValueError('not a language: write its tag, such as "en" or "zh"')
    return written
