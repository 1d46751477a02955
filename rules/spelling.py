"""Which word a person meant who wrote another one: suggested where it is alike, taken for it where it is nearly the same."""

import difflib
from collections.abc import Collection
from fractions import Fraction
from typing import Final

_NEARLY: Final = Fraction(3, 4)
_LONGEST: Final = 64


def closest(word: str, choices: Collection[str]) -> str | None:
    """Return the choice that is most like `word`, where one is alike enough to be suggested."""
    if len(word) > _LONGEST:
        return None
    as_written = {choice.lower(): choice for choice in sorted(choices)}
    near = difflib.get_close_matches(word.lower(), as_written, n=1)
    return as_written[near[0]] if near else None


def meant(word: str, choices: Collection[str]) -> str | None:
    """Return the choice that `word` is a misspelling of: so much alike, or of the same letters."""
    near = closest(word, choices)
    if near is None or sorted(near.lower()) == sorted(word.lower()):
        return near
    return near if difflib.SequenceMatcher(None, word.lower(), near.lower()).ratio() >= _NEARLY else None
