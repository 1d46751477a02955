"""A schema that knows its fields: an unknown one is refused with the name that was probably meant."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError

from loyalty_engine.api.schemas.sentences import sentence
from rules.errors import Invalid
from rules.shown import clipped

_UNKNOWN: Final = "Unknown field."
_MESSAGES: Final = {"unknown": _UNKNOWN, "type": "write a JSON object: {…}"}
_SUGGESTED: Final = 20
_LISTED: Final = 100


class Strict(Schema):
    """Base of all that is read: unknown fields are errors, and `null` is the same as leaving an optional field out."""

    class Meta:
        unknown = RAISE

    error_messages = _MESSAGES

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        """Say of each unknown field which one was probably meant."""
        messages = error.messages
        unknown = [key for key, said in messages.items() if said == [_UNKNOWN]] if isinstance(messages, dict) else []
        for key in unknown[:_SUGGESTED]:
            messages[key] = [self._unknown(str(key))]

    def _unknown(self, key: str) -> str:
        known = [field.data_key or name for name, field in self.load_fields.items() if not field.dump_only]
        near = difflib.get_close_matches(key[:64].lower(), known, n=1, cutoff=0.6)
        meant = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"
        return f"Unknown field: {meant}"


def load(schema: Schema, data: Any) -> Any:
    """Return what `data` means by `schema`; raises `Invalid` with everything that is wrong, each with its path."""
    try:
        return schema.load(data)
    except ValidationError as error:
        raise invalid(error.messages) from None


def invalid(messages: Any) -> Invalid:
    """Return marshmallow's nested messages as a refusal with flat paths: `lines[3].amount`."""
    errors: dict[str, list[str]] = {}
    for path, said in _flat(messages, ""):
        if len(errors) < _LISTED or path in errors:
            errors.setdefault(path, []).append(said)
    return Invalid("invalid_fields", _sentence(errors), errors)


def _sentence(errors: Mapping[str, list[str]]) -> str:
    path, said = next(iter(errors.items()))
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{path}: {said[0]}{more}"


def _flat(messages: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _flat(inner, _path(path, key))
    elif isinstance(messages, list):
        for said in messages:
            yield from _flat(said, path)
    else:
        yield path or "body", sentence(str(messages))


def _path(path: str, key: object) -> str:
    if key == "_schema":
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{clipped(str(key))}" if path else clipped(str(key))
