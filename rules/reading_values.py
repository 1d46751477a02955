"""The single values of a document: words, numbers and money, within bounds that keep later sums small.

Numbers may be whole numbers, decimals, or text of ASCII digits; a binary fraction never is exact and is refused. All
readers raise `Unreadable` after noting the problem.
"""

import re
import unicodedata
from decimal import Decimal
from fractions import Fraction
from typing import Final

from rules.money import parse_amount
from rules.periods import Per
from rules.programme import Texts
from rules.reading import Fields, Place, Reader, choice, each
from rules.shown import shown

MAX_POINTS: Final = 10**9
MAX_RATE: Final = 1000

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_PERCENTAGE: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,4})?%")
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})

per: Reader[Per] = choice("purchase", "day", "week", "month", "year", "ever")
per_time: Reader[Per] = choice("day", "week", "month", "year", "ever")


def identifier(place: Place) -> str:
    """Read an id: lower-case ASCII letters, digits, `-` and `_`, at most 64 characters."""
    if isinstance(place.value, str) and is_identifier(place.value):
        return place.value
    raise place.wrong(
        f"{shown(place.value)} is no id", "write 1 to 64 of a-z, 0-9, - and _, starting with a letter or digit"
    )


def is_identifier(value: object) -> bool:
    """Tell whether `value` is an id as `identifier` reads it."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def text(at_most: int = 200) -> Reader[str]:
    """Return a reader of text of 1 to `at_most` characters, which is brought into Unicode's normal form C."""

    def read(place: Place) -> str:
        if not isinstance(place.value, str):
            raise place.wrong(f"{shown(place.value)} stands where text belongs", "put it in quotes")
        if len(place.value) > 4 * at_most:
            raise place.wrong(f"the text has {len(place.value)} characters; at most {at_most} are allowed")
        if not place.value.strip():
            raise place.wrong("the text is empty")
        if any(char in _BIDI or unicodedata.category(char) in _UNPRINTABLE for char in place.value):
            raise place.wrong(f"{shown(place.value)} holds a control character or a line break", "leave it out")
        normal = unicodedata.normalize("NFC", place.value)
        if len(normal) > at_most:
            raise place.wrong(f"the text has {len(normal)} characters; at most {at_most} are allowed")
        return normal

    return read


word: Reader[str] = text(200)


def texts(at_most: int = 200) -> Reader[Texts]:
    """Return a reader of a text, or of a map of language to text; text without a language stands under `""`."""

    def read(place: Place) -> Texts:
        if isinstance(place.value, str):
            return {"": text(at_most)(place)}
        fields = Fields(place, "a text, or a map of language to text")
        found = languages(fields, text(at_most))
        if not found:
            raise place.wrong("there is no text of any language here", 'write {en: "…", zh: "…"}')
        fields.close()
        return found

    return read


def languages(fields: Fields, reader: Reader[str], but: str = "") -> Texts:
    """Read every field whose key is a language tag, such as `en` or `zh-Hant`, except the field `but`."""
    tags = [key for key in fields.written if isinstance(key, str) and _LANGUAGE.fullmatch(key) and key != but]
    return {tag: fields.need(tag, reader) for tag in tags}


def flag(place: Place) -> bool:
    """Read true or false."""
    if isinstance(place.value, bool):
        return place.value
    raise place.wrong(f"{shown(place.value)} is neither true nor false")


def _refuse_float(place: Place) -> None:
    if isinstance(place.value, float):
        raise place.wrong(f"{place.value!r} came as a binary fraction, which is not exact", "write it in quotes")


def whole(at_least: int, at_most: int) -> Reader[int]:
    """Return a reader of a whole number between two bounds, both included."""

    def read(place: Place) -> int:
        _refuse_float(place)
        number = _as_whole(place.value)
        if number is None:
            raise place.wrong(f"{shown(place.value)} is not a whole number", "write digits, such as 100")
        if not at_least <= number <= at_most:
            raise place.wrong(f"{shown(number)} is out of bounds", f"write a number from {at_least} to {at_most}")
        return number

    return read


def _as_whole(value: object) -> int | None:
    if isinstance(value, int):
        return None if isinstance(value, bool) else value
    written = str(value) if isinstance(value, str | Decimal) and len(str(value)) <= 20 else ""
    return int(written) if _WHOLE.fullmatch(written) else None


points: Reader[int] = whole(1, MAX_POINTS)


def number(at_most: int, may_be_zero: bool = False) -> Reader[Fraction]:
    """Return a reader of an exact number of at most 6 decimals, above 0 (or from 0) up to `at_most`."""

    def read(place: Place) -> Fraction:
        _refuse_float(place)
        found = _as_decimal(place.value)
        if found is None:
            raise place.wrong(f"{shown(place.value)} is not a number", "write at most 6 decimals, such as 1.5")
        if not 0 <= found <= at_most or (found == 0 and not may_be_zero):
            lowest = "from 0" if may_be_zero else "above 0"
            raise place.wrong(f"{shown(place.value)} is out of bounds", f"write a number {lowest} up to {at_most}")
        return found

    return read


def _as_decimal(value: object) -> Fraction | None:
    if isinstance(value, int):
        return None if isinstance(value, bool) else Fraction(value)
    written = str(value) if isinstance(value, str | Decimal) and len(str(value)) <= 20 else ""
    return Fraction(written) if _DECIMAL.fullmatch(written) else None


def percentage(place: Place) -> Fraction:
    """Read `150%` as 3/2."""
    if isinstance(place.value, str) and _PERCENTAGE.fullmatch(place.value):
        return Fraction(place.value[:-1]) / 100
    raise place.wrong(
        f"{shown(place.value)} is not a percentage",
        'write at most 4 decimals and a per cent sign, as "50%"',
    )


def rate(place: Place) -> Fraction:
    """Read a factor, `1.25` or `125%`, above 0 up to 1000."""
    if not (isinstance(place.value, str) and place.value.endswith("%")):
        return number(MAX_RATE)(place)
    found = percentage(place)
    if not 0 < found <= MAX_RATE:
        raise place.wrong(f"{shown(place.value)} is out of bounds", f"write a rate above 0 up to {MAX_RATE}")
    return found


def share(place: Place) -> Fraction:
    """Read a part of a whole, `50%` or `0.5`, above 0 up to all of it."""
    return part_of_whole(place, rate(place))


def part_of_whole(place: Place, found: Fraction) -> Fraction:
    """Return `found` where it is above 0 and at most 1; else note the problem and raise `Unreadable`."""
    if not 0 < found <= 1:
        raise place.wrong(f"{shown(place.value)} is not a part of the whole", 'write more than "0%", up to "100%"')
    return found


def amount(place: Place) -> int:
    """Read money in the programme's currency, 0 or more, as minor units."""
    _refuse_float(place)
    value = place.value
    exact = isinstance(value, str | Decimal) or (isinstance(value, int) and not isinstance(value, bool))
    if not exact or (isinstance(value, int) and not 0 <= value < 10**20):
        raise place.wrong(f"{shown(value)} is not an amount", 'write it as text, such as "20.00"')
    try:
        return parse_amount(str(value), place.around.currency)
    except ValueError as error:
        message, _, remedy = str(error).partition(": ")
        if not place.around.currency_is_known:
            message, remedy = "not an amount", 'write digits, such as "12.30"'
        raise place.wrong(f"{shown(value)} is {message}", remedy) from None


def amount_above_zero(place: Place) -> int:
    """Read money above 0, as minor units."""
    found = amount(place)
    if found == 0:
        raise place.wrong("the amount is 0", "write an amount above 0")
    return found


def distinct(reader: Reader[str], at_most: int = 1000) -> Reader[tuple[str, ...]]:
    """Return a reader of a list of words, none of which stands there twice."""

    def read(place: Place) -> tuple[str, ...]:
        found: list[str] = []
        for item, value in each(place, reader, at_most):
            if value in found:
                item.note(f"{shown(value)} is listed twice", "name it once")
            found.append(value)
        return tuple(found)

    return read


def decimal_text(exact: Fraction) -> str:
    """Write a number of at most 6 decimals exactly: 5/4 is `"1.25"`."""
    scaled = exact * 10**6
    assert scaled.denominator == 1, "numbers are read with at most 6 decimals"
    whole_part, decimals = divmod(scaled.numerator, 10**6)
    return f"{whole_part}.{decimals:06d}".rstrip("0").rstrip(".")
