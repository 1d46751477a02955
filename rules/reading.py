"""Reading what a person wrote when all that is wrong must be told at once, each thing with its place and a suggestion.

A `Place` is a value and where it stands. A reader is a function from a place to what it means; it notes problems, and
raises `Unreadable` when it can't go on. A document is good when no problem was noted, so readers may hand back what
they could read of a list, and later checks still see it.
"""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeVar, cast
from zoneinfo import ZoneInfo

from rules.errors import Problem

T = TypeVar("T")
D = TypeVar("D")
W = TypeVar("W", bound=str)

_SUGGESTIONS: Final = 200
"""Looking for the nearest word costs time: after so many problems it is no longer done."""
_NO_NAMES: Final[Mapping[str, Collection[str]]] = {}
_NO_WALLETS: Final[Mapping[str, str | None]] = {}


class Unreadable(Exception):
    """Ends the reading of one place; its problem has been noted already."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the whole document says and its parts are read by.

    `names` maps a kind of thing (wallet, rule, level, reward, template) to the ids there are, also of things that are
    otherwise wrong; a kind that must be there and isn't is left out. `rule_wallets` maps a rule to its wallet, None for one
    that gives no points; `earning` are the wallets with an earning rule.
    """

    currency: str
    zone: ZoneInfo
    names: Mapping[str, Collection[str]] = field(default_factory=lambda: _NO_NAMES)
    rule_wallets: Mapping[str, str | None] = field(default_factory=lambda: _NO_WALLETS)
    earning: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A value, its path in the document, and the problems found so far, anywhere."""

    value: object
    path: str
    around: Surroundings
    problems: list[Problem]

    def note(self, message: str, remedy: str = "") -> None:
        """Record that something is wrong here, and go on."""
        self.problems.append(Problem(self.path, message, remedy))

    def wrong(self, message: str, remedy: str = "") -> Unreadable:
        """Record that something is wrong here, and return what to raise."""
        self.note(message, remedy)
        return Unreadable()

    def at(self, key: str) -> "Place":
        """Return the place of `key`, whether there is a value or not (then its value is None)."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return Place(value, f"{self.path}.{key}" if self.path else key, self.around, self.problems)

    def item(self, index: int, value: object) -> "Place":
        """Return the place of one item of a list."""
        return Place(value, f"{self.path}[{index}]", self.around, self.problems)

    def nearest(self, word: str, choices: Collection[str], otherwise: str = "") -> str:
        """Return `did you mean "wallet"?` where a choice is near, else what to say instead."""
        if len(word) > 64 or len(self.problems) > _SUGGESTIONS:
            return otherwise
        as_written = {choice.lower(): choice for choice in sorted(choices)}
        near = difflib.get_close_matches(word.lower(), as_written, n=1)
        return f'did you mean "{as_written[near[0]]}"?' if near else otherwise


Reader = Callable[[Place], T]


class Fields:
    """The keys of a mapping, each read whether or not those before it could be.

    `need` and `may` never raise: what they return for a field that can't be read is not to be looked into before
    `close`, which notes the keys that nobody asked for and raises `Unreadable` where a field could not be read.
    """

    def __init__(self, place: Place, looks_like: str = "a mapping", words: Collection[str] = ()) -> None:
        self.place = place
        if not isinstance(place.value, dict):
            remedy = place.nearest(place.value, words) if isinstance(place.value, str) else ""
            raise place.wrong(f"{shown(place.value)} stands where {looks_like} belongs", remedy)
        self.written: Mapping[object, object] = place.value
        self._asked: list[str] = []
        self._broken = False

    def has(self, *keys: str) -> bool:
        """Tell whether one of `keys` is written."""
        return any(key in self.written for key in keys)

    def need(self, key: str, reader: Reader[T]) -> T:
        """Read a field that must be there."""
        self._asked.append(key)
        if key not in self.written:
            self.place.at(key).note(f'"{key}" is missing')
            self._broken = True
            return cast(T, None)
        return self._read(key, reader)

    def may(self, key: str, reader: Reader[T], default: D) -> T | D:
        """Read a field that may be left out."""
        self._asked.append(key)
        return self._read(key, reader) if key in self.written else default

    def one_of(self, readers: Mapping[str, Reader[T]]) -> T:
        """Read the one field, of several that exclude each other, that is written."""
        self._asked.extend(readers)
        written = [key for key in readers if key in self.written]
        if len(written) == 1:
            return self._read(written[0], readers[written[0]])
        choices = ", ".join(f'"{key}"' for key in readers)
        if written:
            both = " and ".join(f'"{key}"' for key in written)
            return cast(T, self._fail(f"{both} exclude each other", f"write one of {choices}"))
        return cast(T, self._fail(f"one of {choices} is missing"))

    def only(self, keys: Collection[str], because: str) -> None:
        """Note each of `keys` that is written although it means nothing here."""
        self._asked.extend(keys)
        for key in keys:
            if key in self.written:
                self.place.at(key).note(because, "leave it out")

    def close(self) -> None:
        """Note unknown keys; raise `Unreadable` where a field could not be read."""
        for key in self.written:
            if key not in self._asked:
                self._unknown(key)
        if self._broken:
            raise Unreadable

    def _read(self, key: str, reader: Reader[T]) -> T:
        place = self.place.at(key)
        if place.value is None:
            place.note("nothing is written here", f'give "{key}" a value, or leave it out')
        else:
            try:
                return reader(place)
            except Unreadable:
                pass
        self._broken = True
        return cast(T, None)

    def _fail(self, message: str, remedy: str = "") -> None:
        self.place.note(message, remedy)
        self._broken = True

    def _unknown(self, key: object) -> None:
        if not isinstance(key, str):
            self.place.note(f"the key {shown(key)} is not text", "quote it" if isinstance(key, int | Decimal) else "")
            return
        known = "known here: " + ", ".join(f'"{asked}"' for asked in self._asked) if self._asked else ""
        place = self.place.at(clipped(key))
        place.note(f'unknown key "{clipped(key)}"', place.nearest(key, self._asked, known))


def each(place: Place, reader: Reader[T], at_most: int = 1000) -> list[tuple[Place, T]]:
    """Read the items of a list that is not empty; return those that can be read, with their places.

    Raises `Unreadable` for anything but a list. Of a list that is too long only the first `at_most` are looked at.
    """
    if not isinstance(place.value, list | tuple):
        raise place.wrong(f"{shown(place.value)} stands where a list belongs", "write it in [ ]")
    if not place.value:
        raise place.wrong("the list is empty", "name at least one, or leave it out")
    if len(place.value) > at_most:
        place.note(f"{len(place.value)} are listed; at most {at_most} can be")
    found: list[tuple[Place, T]] = []
    for index, value in enumerate(place.value[:at_most]):
        item = place.item(index, value)
        try:
            found.append((item, reader(item)))
        except Unreadable:
            continue
    return found


def each_named(place: Place, reader: Reader[T], at_most: int) -> list[tuple[Place, T]]:
    """Read the items of a list, and note an `id` that an earlier item has already."""
    found = each(place, reader, at_most)
    first: dict[str, str] = {}
    for index, value in enumerate(cast(list[object], place.value)[:at_most]):
        item = place.item(index, value)
        name = item.at("id")
        if isinstance(name.value, str) and first.setdefault(name.value, item.path) != item.path:
            name.note(f'"{clipped(name.value)}" is the id of {first[name.value]} already', "give each its own id")
    return found


def reference(kind: str) -> Reader[str]:
    """Return a reader of the id of a thing that stands elsewhere in the document."""

    def read(place: Place) -> str:
        ids = place.around.names.get(kind)
        if ids is None:
            raise Unreadable  # there are none at all, and where they should be a problem says so
        if not isinstance(place.value, str):
            raise place.wrong(f"{shown(place.value)} stands where the id of a {kind} belongs")
        if place.value not in ids:
            there_are = f"there are: {', '.join(sorted(ids)[:12])}" if ids else f"the document names no {kind}"
            raise place.wrong(f"there is no {kind} {shown(place.value)}", place.nearest(place.value, ids, there_are))
        return place.value

    return read


def choice(*words: W) -> Reader[W]:
    """Return a reader of one of a closed set of words."""

    def read(place: Place) -> W:
        if isinstance(place.value, str) and place.value in words:
            return words[words.index(place.value)]
        known = f"none of {' | '.join(words)}" if len(words) > 1 else f"not {words[0]}"
        remedy = place.nearest(place.value, words) if isinstance(place.value, str) else ""
        raise place.wrong(f"{shown(place.value)} is {known}", remedy)

    return read


def clipped(text: str) -> str:
    """Return `text` fit to be shown: short, and with every character that can't be seen written as its code."""
    seen = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:60])
    return seen + ("…" if len(text) > 60 else "")


def shown(value: object) -> str:
    """Say in a few characters what `value` is; costs nothing for huge numbers."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{clipped(value)}"'
        case int():
            return str(value) if abs(value) < 10**20 else "a number of more than 20 digits"
        case Decimal():
            return clipped(str(value))
        case float():
            return f"the binary fraction {value!r}"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"
