"""Fields that read a value's text by the functions of values.py, and say in OpenAPI what they take."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

from marshmallow import ValidationError, fields, validate

from loyalty_engine.api import values
from rules.facts import MAX_FACT, Fact
from rules.money import parse_amount
from rules.shown import shown

T = TypeVar("T")

_currency: ContextVar[str] = ContextVar("currency", default="XXX")


@contextmanager
def amounts_in(currency: str) -> Iterator[None]:
    """Read the `Amount`s inside the block in this currency."""
    token = _currency.set(currency)
    try:
        yield
    finally:
        _currency.reset(token)


class Checked(fields.Field[Any]):
    """A string that one of the functions in values.py reads."""

    def __init__(self, read: Callable[[str], Any], **options: Any) -> None:
        super().__init__(**options)
        self._read = read

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError(f"{shown_json(value)} stands where text belongs: put it in quotes.")
        try:
            return self._read(value)
        except ValueError as error:
            raise ValidationError(f"{shown(value)}: {error}.") from None


class Amount(Checked):
    """Money in major units, as text, in the currency of the body."""

    def __init__(self, **options: Any) -> None:
        super().__init__(lambda written: parse_amount(written, _currency.get()), **options)


class Whole(fields.Field[int]):
    """An integer between two bounds, both included; written as a JSON number without decimals or exponent."""

    def __init__(self, least: int, most: int, **options: Any) -> None:
        super().__init__(validate=validate.Range(min=least, max=most), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int:
            raise ValidationError(f"{shown_json(value)} is not a whole number: write digits without quotes, such as 2.")
        return value


class Flag(fields.Boolean):
    """true or false, and none of the words that might mean them."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(f"{shown_json(value)} is neither true nor false: write one of them without quotes.")
        return value


class Facts(fields.Field[Mapping[str, Fact]]):
    """Named numbers and words: a JSON integer is a number, a JSON string is a word, and nothing else is read."""

    _word = Checked(values.phrase)
    _number = Whole(0, MAX_FACT)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Mapping[str, Fact]:
        if not isinstance(value, dict):
            raise ValidationError(f'{shown_json(value)} stands where named facts belong: write {{"distance": 12}}.')
        if len(value) > MAX_ITEMS:
            raise ValidationError(f"{len(value)} facts are too many: send at most {MAX_ITEMS}.")
        found: dict[str, Fact] = {}
        errors: dict[str, Any] = {}
        for name, fact in value.items():
            try:
                found[values.word(name)] = self._fact(fact)
            except ValidationError as error:
                errors[name] = error.messages
            except ValueError as error:
                errors[name] = [f"the name {error}."]
        if errors:
            raise ValidationError(errors)
        return found

    def _fact(self, fact: Any) -> Fact:
        if isinstance(fact, str):
            word: str = self._word.deserialize(fact)
            return word
        if type(fact) is int:
            return self._number.deserialize(fact)
        raise ValidationError(
            f"{shown_json(fact)} is no fact: write a whole number (12500 metres, not 12.5 km), or a word in quotes."
        )


MAX_ITEMS = 50
"""How many tags, facts, tenders or codes are read."""


def shown_json(value: Any) -> str:
    """Say in a few characters what stands there, also where it is a number that nobody computes."""
    digits = getattr(value, "digits", None)
    return shown(value) if digits is None else f"the number {digits[:20]}"


def several(field: fields.Field[Any], most: int = MAX_ITEMS, least: int = 0, **options: Any) -> fields.List[Any]:
    """Return a field of a list of `least` to `most` items."""
    return fields.List(field, validate=validate.Length(min=least, max=most), **options)


def needed(field: Callable[..., T], *arguments: Any, **metadata: Any) -> T:
    """Return a field that must be there."""
    return field(*arguments, required=True, metadata=metadata)


def optional(field: Callable[..., T], *arguments: Any, default: Any = None, **metadata: Any) -> T:
    """Return a field that may be left out or null; either means `default`, which a reader of the body fills in."""
    return field(*arguments, load_default=default, allow_none=True, metadata=metadata)


def without_nulls(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something, so that the dataclass they are for gives the others their defaults."""
    return {name: value for name, value in data.items() if value is not None}


Word = partial(Checked, values.word)
Phrase = partial(Checked, values.phrase)
Note = partial(Checked, values.note)
Code = partial(Checked, values.code)
Instant = partial(Checked, values.instant)
Day = partial(Checked, values.day)
