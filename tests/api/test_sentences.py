"""No field of the API is refused in marshmallow's own words, which don't say what would be right."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest
from marshmallow import ValidationError, fields, validate

from loyalty_engine.api import schemas
from loyalty_engine.api.schemas.base import Strict
from loyalty_engine.api.schemas.fields import Checked, Facts, Flag, Whole
from loyalty_engine.api.schemas.sentences import sentence

_NEVER_SAID = {"Invalid value."}
"""By validators that only say no: there are none."""
_OWN_WORDS = (Checked, Facts, Flag, Whole)
"""They say themselves what a value of another type should be."""


for module in pkgutil.iter_modules(schemas.__path__, f"{schemas.__name__}."):
    import_module(module.name)


def kinds(of: type[Strict] = Strict) -> Iterator[type[Strict]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def parts(field: fields.Field) -> Iterator[fields.Field]:
    yield field
    for inner in ("inner", "key_field", "value_field"):
        if isinstance(found := getattr(field, inner, None), fields.Field):
            yield from parts(found)


def messages(field: fields.Field) -> Iterator[str]:
    said = field.error_messages
    own = isinstance(field, _OWN_WORDS)
    yield from (said[key] for key in said if key in ("required", "null") or not own)
    for validator in field.validators:
        if isinstance(validator, validate.Validator):
            yield from refusal(validator)


def refusal(validator: validate.Validator) -> Iterator[str]:
    for value in (-1, 10**18, "?", [1] * 10**6, []):
        try:
            validator(value)
        except ValidationError as error:
            yield str(error.messages[0])
        except TypeError:
            continue


@pytest.mark.parametrize("kind", sorted(set(kinds()), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_each_of_marshmallows_messages_that_can_be_said_has_its_sentence(kind: type[Strict]) -> None:
    said = {text for field in kind().fields.values() for part in parts(field) for text in messages(part)}
    assert {text for text in said - _NEVER_SAID if sentence(text) == text} == set()


def test_what_a_schema_says_itself_stays() -> None:
    assert sentence('"x": not a currency: write its three capital letters.').startswith('"x"')
