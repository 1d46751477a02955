"""Bytes from anywhere become plain data, or a refusal that names the place, before any schema looks at them.

Python's own JSON reader takes NaN, the last of two equal keys, and 24 seconds for `1e999999` where somebody makes an
int of it. Source: RELIABILITY.md, Doors and Pitfalls.
"""

import json
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from flask import request

from loyalty_engine.api.refusals import Malformed, TooLarge, WrongMediaType
from rules.reading import clipped

MAX_BODY: Final = 256 * 1024
MAX_BATCH: Final = 8 * 1024 * 1024
MAX_DEPTH: Final = 16
_MAX_DIGITS: Final = 18

JSON: Final = "application/json"
YAML: Final = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


@dataclass(frozen=True, slots=True)
class NoInteger:
    """A number in JSON that is no plain integer: whatever reads it refuses it, and nothing ever computes it."""

    digits: str


def json_body() -> bytes:
    """Return the body of the present request, which must say that it is JSON."""
    if request.environ.get("CONTENT_TYPE") != JSON:
        _check_media_type()
    return raw_body()


def raw_body() -> bytes:
    """Return the body of the present request; longer ones than the route takes are refused while they come in."""
    if "HTTP_CONTENT_ENCODING" in request.environ:
        raise WrongMediaType("content_encoding_not_read", "Send the body as it is, without Content-Encoding.")
    return request.get_data()


def _check_media_type() -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if not (request.mimetype == JSON or request.mimetype.endswith("+json")) or charset not in ("utf-8", "utf8"):
        said = f'"{clipped(request.content_type)}"' if request.content_type else "none"
        detail = f"Send JSON in UTF-8 with the header Content-Type: application/json; this request says {said}."
        raise WrongMediaType("media_type_not_read", detail)


def read_json(raw: bytes) -> Any:
    """Return what the JSON text says: numbers that aren't plain integers as `NoInteger`; raises `Malformed`."""
    try:
        found = json.loads(
            raw.decode(),
            object_pairs_hook=_object,
            parse_constant=_not_json,
            parse_float=NoInteger,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise Malformed("malformed_json", f"The body is not UTF-8: byte {error.start + 1} belongs to no character.") from None
    except json.JSONDecodeError as error:
        raise Malformed("malformed_json", _where(error, raw)) from None
    except RecursionError:
        raise _too_deep() from None
    if _deeper_than(found, MAX_DEPTH):
        raise _too_deep()
    return found


def _where(error: json.JSONDecodeError, raw: bytes) -> str:
    if not raw.strip():
        return "The body is empty: send a JSON object."
    return f"The body is not JSON at line {error.lineno}, column {error.colno}: {error.msg}."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise Malformed("duplicate_key", f'The key "{clipped(twice)}" is there twice in one object: send it once.')
    return found


def _not_json(constant: str) -> NoReturn:
    raise Malformed("malformed_json", f"{constant} is not JSON: send a number in digits, or leave the field out.")


def _integer(digits: str) -> int | NoInteger:
    return int(digits) if len(digits) <= _MAX_DIGITS else NoInteger(digits[:_MAX_DIGITS])


def _too_deep() -> Malformed:
    return Malformed("nested_too_deep", f"The body nests deeper than {MAX_DEPTH} levels.")


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
    return TooLarge("body_too_large", f"The body is larger than {at_most // 1024} KiB, the most that is read here.")
