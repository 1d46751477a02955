"""Numbers of members' cards: our own with a check digit that catches a slip of the hand, and those a shop brings along."""

import re
import secrets
from typing import Final

from stdnum import luhn

PREFIX: Final = "63"
"""What our own numbers begin with; bank cards and most shops' cards don't."""
LENGTH: Final = 16
_SEPARATORS: Final = str.maketrans("", "", " -")
_GIVEN: Final = re.compile(r"[0-9]{8,19}")


class BadCard(ValueError):
    """The text is no card number; says what would be."""


def generate() -> str:
    """Return a new number of ours. Its 13 random digits make it hard to guess, not a secret: it only names a member."""
    digits = LENGTH - len(PREFIX) - 1
    body = f"{PREFIX}{secrets.randbelow(10**digits):0{digits}}"
    return body + str(luhn.calc_check_digit(body))


def normalised(text: str) -> str:
    """Return the digits of a card number, ours or one that a shop brings along."""
    digits = text.translate(_SEPARATORS)
    if not _GIVEN.fullmatch(digits):
        raise BadCard("must have 8 to 19 digits; spaces and hyphens between them don't matter")
    return digits


def digits_of(text: str) -> str:
    """Return a card's number as it is stored, however it was typed; what is none stays as it is, and is nobody's."""
    return text.translate(_SEPARATORS)


def looks_misread(digits: str) -> bool:
    """Tell whether a number looks like one of ours with a digit wrong.

    It is asked only of a number that nobody has: a shop may bring along numbers that begin like ours.
    """
    return len(digits) == LENGTH and digits.startswith(PREFIX) and not luhn.is_valid(digits)


def masked(number: str) -> str:
    """Return what a till may show of a number: the last four digits."""
    return "*" * (len(number) - 4) + number[-4:]
