"""Text that a person wrote, YAML 1.2 or JSON, as plain data: exact numbers, nothing evaluated, nothing that explodes.

YAML is read from the parser's events rather than by a loader: the tags of a document then construct nothing, `on` is a
word, a decimal stays exact, a date stays text, and an alias is refused where it stands. Source: RELIABILITY.md, Doors.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from importlib import resources
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from loyalty_engine.services.double_keys import once
from rules.errors import NotFound, Problem

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 40
_MAX_DIGITS: Final = 100
_MOST_PROBLEMS: Final = 200
"""After so many the rest of a text is not looked at."""

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INT: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class _Wrong(Exception):
    """Ends the reading of a text with its one problem."""

    def __init__(self, message: str, remedy: str = "", mark: StringMark | None = None) -> None:
        super().__init__(message)
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        self.problem = Problem(place, message, remedy)


class Parsed(NamedTuple):
    """The plain data that a text holds, and what is wrong with the text itself.

    `is_whole` is False where the text could not be read to its end: then nothing is known of the data.
    """

    data: Any
    problems: tuple[Problem, ...]
    is_whole: bool = True


def parse(text: str | bytes) -> Parsed:
    """Return the plain data that `text` holds, and every problem of the text with its line and column.

    Never raises, whatever the text: at most 256 KiB of UTF-8, nested at most 40 deep. A decimal is a `Decimal`. Of a key
    that is there twice the first counts, and of a value with a tag the value.
    """
    problems: list[Problem] = []
    try:
        decoded = _decoded(text)
        found = _from_json(decoded) if decoded.lstrip().startswith(("{", "[")) else None
        data = _from_yaml(decoded, problems) if found is None else found
    except _Wrong as wrong:
        return Parsed(None, (*problems, wrong.problem), is_whole=False)
    return Parsed(data, tuple(problems))


def _decoded(text: str | bytes) -> str:
    try:
        raw = text if isinstance(text, bytes) else text.encode()
        decoded = raw.decode("utf-8-sig")
    except UnicodeError:
        raise _Wrong("the text is not UTF-8", "save it as UTF-8") from None
    if len(raw) > MAX_BYTES:
        raise _Wrong(f"the document has {len(raw)} bytes; at most {MAX_BYTES} (256 KiB) are allowed")
    return decoded


def _from_json(text: str) -> Any:
    """Return the data; None where the text is not faultless JSON, so that YAML's reader says where it goes wrong."""
    try:
        found = json.loads(
            text,
            object_pairs_hook=once,
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_not_finite,
        )
    except (ValueError, RecursionError):
        return None
    return None if _deeper_than(found, MAX_DEPTH) else found


def _not_finite(text: str) -> Any:
    raise _Wrong(f"{text} is not a number that can be counted with", "write digits")


def _deeper_than(data: Any, levels: int) -> bool:
    layer = [data]
    for _ in range(levels):
        layer = [part for whole in layer if isinstance(whole, dict | list) for part in _parts(whole)]
    return any(isinstance(part, dict | list) for part in layer)


def _parts(whole: dict[str, Any] | list[Any]) -> Iterator[Any]:
    return iter(whole.values() if isinstance(whole, dict) else whole)


def _whole(digits: str, mark: StringMark | None = None) -> int:
    if len(digits) > _MAX_DIGITS:
        raise _Wrong(f"a number of {len(digits)} digits is too long", mark=mark)
    return int(digits)


def _decimal(digits: str, mark: StringMark | None = None) -> Decimal:
    if len(digits) > _MAX_DIGITS:
        raise _Wrong(f"a number of {len(digits)} digits is too long", mark=mark)
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise _Wrong(f"{digits} is larger than any number", mark=mark) from None


def _from_yaml(text: str, problems: list[Problem]) -> Any:
    parser = YAML(typ="safe", pure=True)
    try:
        return _build(parser.parse(text), problems)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _Wrong(f"this can't be read as YAML: {error.problem or error.context}", mark=mark) from None
    except (YAMLError, ValueError, LookupError, OverflowError, AttributeError, TypeError) as error:
        raise _Wrong(f"this can't be read as YAML: {' '.join(str(error).split())[:200]}") from None


def _build(events: Iterator[Event], problems: list[Problem]) -> Any:
    """Put the events of one document together, without recursion; problems that don't end the reading are noted."""
    builder = _Builder(problems)
    documents = 0
    for event in events:
        documents += isinstance(event, DocumentStartEvent)
        if documents > 1:
            raise _Wrong("a second document starts here", 'leave out the "---"', event.start_mark)
        if isinstance(event, NodeEvent):
            builder.take(event)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            builder.leave()
    return builder.root


class _Builder:
    """The mappings and lists that are open, innermost last, and the key that each open mapping waits with."""

    def __init__(self, problems: list[Problem]) -> None:
        self.root: Any = None
        self._problems = problems
        self._open: list[dict[Any, Any] | list[Any]] = []
        self._keys: list[Any] = []

    def take(self, event: NodeEvent) -> None:
        """Put a scalar, or the start of a mapping or list, where it belongs."""
        if isinstance(event, AliasEvent) or event.anchor is not None:
            raise _Wrong("anchors and aliases are not read", "write it out", event.start_mark)
        tag = getattr(event, "ctag", None) or getattr(event, "tag", None)
        if tag is not None and str(tag) != "!":
            self._note(_Wrong(f'the tag "{str(tag)[:60]}" is not read', "leave it out", event.start_mark))
        value = _scalar(event) if isinstance(event, ScalarEvent) else {} if isinstance(event, MappingStartEvent) else []
        self._put(value, event)
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            if len(self._open) >= MAX_DEPTH:
                raise _Wrong(f"the document nests deeper than {MAX_DEPTH}", mark=event.start_mark)
            self._open.append(value)
            self._keys.append(_NO_KEY)

    def leave(self) -> None:
        """Close the innermost mapping or list."""
        self._open.pop()
        self._keys.pop()

    def _put(self, value: Any, event: NodeEvent) -> None:
        inside = self._open[-1] if self._open else None
        if inside is None:
            self.root = value
        elif isinstance(inside, list):
            inside.append(value)
        elif self._keys[-1] is _NO_KEY:
            self._keys[-1] = self._key(value, inside, event)
        else:
            if self._keys[-1] is not _TWICE:
                inside[self._keys[-1]] = value
            self._keys[-1] = _NO_KEY

    def _key(self, key: Any, inside: dict[Any, Any], event: NodeEvent) -> Any:
        if isinstance(key, dict | list):
            raise _Wrong("a key can't be a mapping or a list", "write a word", event.start_mark)
        if key in inside:
            self._note(_Wrong(f'the key "{str(key)[:60]}" is there twice', "keep one", event.start_mark))
            return _TWICE
        inside[key] = None
        return key

    def _note(self, wrong: _Wrong) -> None:
        if len(self._problems) >= _MOST_PROBLEMS:
            raise wrong
        self._problems.append(wrong.problem)


_NO_KEY: Final = object()
_TWICE: Final = object()
"""The key of a value that counts for nothing: there was one before it."""


def _scalar(event: ScalarEvent) -> Any:
    text: str = event.value
    if event.style in ("'", '"', "|", ">"):
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return _whole(text, event.start_mark)
    if _FLOAT.fullmatch(text):
        return _decimal(text, event.start_mark)
    if _NOT_FINITE.fullmatch(text):
        raise _Wrong(f"{text} is not a number that can be counted with", "write digits", event.start_mark)
    return text


def presets() -> tuple[str, ...]:
    """Return the names of the programmes that are shipped, in alphabetical order."""
    files = (file.name for file in resources.files("rules.presets").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml")))


def preset(name: str) -> str:
    """Return the text of a programme that works as it is, such as `retailer`; NotFound for a name that isn't one."""
    if name not in presets():
        raise NotFound("preset_not_found", f"There is no preset {name[:60]!r}; there are: {', '.join(presets())}")
    return resources.files("rules.presets").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
