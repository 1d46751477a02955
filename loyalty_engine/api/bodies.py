"""Bytes from anywhere become plain data, or a refusal that names the place, before any schema looks at them.

Python's own JSON reader takes NaN, the last of two equal keys, and 24 seconds for `1e999999` where somebody makes an
int of it. Source: RELIABILITY.md, Doors and Pitfalls.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, NoReturn, TypeVar

from flask import request

from loyalty_engine.api.refusals import Malformed, TooLarge, WrongMediaType
from loyalty_engine.services.double_keys import DoubleKey, once
from rules.shown import clipped

V = TypeVar("V", bound=Callable[..., Any])

MAX_BODY: Final = 256 * 1024
MAX_BATCH: Final = 8 * 1024 * 1024
MAX_DEPTH: Final = 16
_MAX_DIGITS: Final = 18

JSON: Final = "application/json"
_YAML: Final = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})
_DOCUMENT_DEPTH: Final = 42
"""A programme's own 40 levels, in an object beside its reason."""


@dataclass(frozen=True, slots=True)
class NoInteger:
    """A number in JSON that is no plain integer: whatever reads it refuses it, and nothing ever computes it."""

    digits: str


def json_body() -> bytes:
    """Return the body of the present request, which must say that it is JSON."""
    if request.environ.get("CONTENT_TYPE") != JSON:
        _check_media_type()
    return raw_body()


def says_yaml() -> bool:
    """Tell whether the present request says that its body is YAML."""
    return request.mimetype in _YAML


def document_body() -> bytes:
    """Return a body that says it is JSON or YAML."""
    return raw_body() if says_yaml() else json_body()


def takes_up_to(at_most: int) -> Callable[[V], V]:
    """Let a view take bodies of `at_most` bytes rather than the usual number."""

    def decorate(view: V) -> V:
        @wraps(view)
        def larger(*args: Any, **kwargs: Any) -> Any:
            request.max_content_length = at_most
            return view(*args, **kwargs)

        return larger  # type: ignore[return-value]

    return decorate


def raw_body() -> bytes:
    """Return the body of the present request; longer ones than the route takes are refused while they come in."""
    if "HTTP_CONTENT_ENCODING" in request.environ:
        raise WrongMediaType("content_encoding_not_read", "Send the body as it is, without Content-Encoding.")
    raw = request.get_data()
    # Of a body that didn't say how long it is werkzeug hands over as much as is allowed, and drops the rest silently.
    if "CONTENT_LENGTH" not in request.environ and len(raw) >= (at_most := request.max_content_length or 0) > 0:
        raise too_large(at_most)
    return raw


def _check_media_type() -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if not (request.mimetype == JSON or request.mimetype.endswith("+json")) or charset not in (
        "utf-8",
        "utf8",
    ):
        said = f'"{clipped(request.content_type)}"' if request.content_type else "none"
        detail = f"Send JSON in UTF-8 with the header Content-Type: application/json; this request says {said}."
        raise WrongMediaType("media_type_not_read", detail)


def read_document(raw: bytes) -> Any:
    """Return what JSON with a programme in it says, which may nest deeper."""
    return read_json(raw, _DOCUMENT_DEPTH)


def read_json(raw: bytes, depth: int = MAX_DEPTH) -> Any:
    """Return what the JSON text says: numbers that aren't plain integers as `NoInteger`; raises `Malformed`."""
    try:
        found = json.loads(
            raw.decode(),
            object_pairs_hook=once,
            parse_constant=_not_json,
            parse_float=NoInteger,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise Malformed(
            "malformed_json",
            f"The body is not UTF-8: byte {error.start + 1} belongs to no character.",
        ) from None
    except json.JSONDecodeError as error:
        raise Malformed("malformed_json", _where(error, raw)) from None
    except DoubleKey as double:
        said = str(double)
        raise Malformed("duplicate_key", f"{said[0].upper()}{said[1:]}.") from None
    except RecursionError:
        raise _too_deep(depth) from None
    if _deeper_than(found, depth):
        raise _too_deep(depth)
    return found


def _where(error: json.JSONDecodeError, raw: bytes) -> str:
    if not raw.strip():
        return "The body is empty: send a JSON object."
    return f"The body is not JSON at line {error.lineno}, column {error.colno}: {error.msg}."


def _not_json(constant: str) -> NoReturn:
    raise Malformed(
        "malformed_json",
        f"{constant} is not JSON: send a number in digits, or leave the field out.",
    )


def _integer(digits: str) -> int | NoInteger:
    return int(digits) if len(digits) <= _MAX_DIGITS else NoInteger(digits[:_MAX_DIGITS])


def _too_deep(depth: int) -> Malformed:
    return Malformed("nested_too_deep", f"The body nests deeper than {depth} levels.")


def _deeper_than(found: Any, levels: int) -> bool:
    layer = [found]
    for _ in range(levels):
        layer = [part for whole in layer for part in _parts(whole)]
    return any(isinstance(part, dict | list) for part in layer)


def _parts(whole: Any) -> list[Any]:
    if isinstance(whole, dict):
        return list(whole.values())
    return whole if isinstance(whole, list) else []


def too_large(at_most: int) -> TooLarge:
    """Return the refusal of a body of more than `at_most` bytes."""
    return TooLarge(
        "body_too_large",
        f"The body is larger than {at_most // 1024} KiB, the most that is read here.",
    )
