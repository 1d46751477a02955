"""Reading what a person wrote when all that is wrong must be told at once, each thing with its place and a suggestion.

A `Place` is a value and where it stands. A reader is a function from a place to what it means; it notes problems, and
raises `Unreadable` when it can't go on. A document is good when no problem was noted, so readers may hand back what
they could read of a list, and later checks still see it.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, TypeVar, cast
from zoneinfo import ZoneInfo

from rules.errors import Problem
from rules.shown import clipped, shown
from rules.spelling import closest, meant

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

    `names` maps a kind of thing (wallet, rule, level, reward, template, sku_list) to the ids there are, also of things
    that are otherwise wrong; a kind of which they can't be known is left out. `unsure` has the kinds of which a thing has no
    id that can stay, with the ids that can't. `rule_wallets` maps a rule to its wallet, None for one that
    gives no points; `earning` are the wallets with an earning rule, None where they can't be known. `misspelt` takes, by the
    path of a mapping, each key that must be another one, with that one.
    """

    currency: str
    zone: ZoneInfo
    names: Mapping[str, Collection[str]] = field(default_factory=lambda: _NO_NAMES)
    unsure: Mapping[str, Collection[str]] = field(default_factory=lambda: _NO_NAMES)
    rule_wallets: Mapping[str, str | None] = field(default_factory=lambda: _NO_WALLETS)
    earning: Collection[str] | None = ()
    misspelt: dict[str, dict[str, str]] = field(default_factory=dict)
    currency_is_known: bool = True


class AsMeant(dict[object, object]):
    """A mapping some of whose keys were misspelt, under the keys that were meant; `written` maps these to what stands there."""

    def __init__(self, mapping: Mapping[object, object], written: Mapping[str, str]) -> None:
        super().__init__(mapping)
        self.written = written


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
        stands = clipped(self.value.written.get(key, key)) if isinstance(self.value, AsMeant) else key
        return Place(value, f"{self.path}.{stands}" if self.path else stands, self.around, self.problems)

    def item(self, index: int, value: object) -> "Place":
        """Return the place of one item of a list."""
        return Place(value, f"{self.path}[{index}]", self.around, self.problems)

    def nearest(self, word: str, choices: Collection[str], otherwise: str = "") -> str:
        """Return `did you mean "wallet"?` where a choice is near, else what to say instead."""
        near = closest(word, choices) if self.may_suggest else None
        return f'did you mean "{near}"?' if near is not None else otherwise

    def has_problem(self, path: str) -> bool:
        """Tell whether something is wrong at that path of the document."""
        return any(problem.path.startswith(path) for problem in self.problems)

    @property
    def may_suggest(self) -> bool:
        """Whether there is still time to look for what words may have meant."""
        return len(self.problems) <= _SUGGESTIONS


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
        for key in written:
            self._read(key, readers[key])
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

    def knows(self, *keys: str) -> None:
        """Take it that `keys` could stand here too, so that a misspelt one is known."""
        self._asked.extend(keys)

    def close(self) -> None:
        """Note unknown keys; raise `Unreadable` where a field could not be read."""
        self.note_unknown()
        if self._broken:
            raise Unreadable

    def note_unknown(self) -> None:
        """Note unknown keys, and go on with what could be read: in a document with a problem, for later checks alone."""
        for right, stands in self.written.written.items() if isinstance(self.written, AsMeant) else ():
            self.place.at(right).note(f'unknown key "{clipped(stands)}"', f'did you mean "{right}"?')
        for key in self.written:
            if key not in self._asked:
                self._unknown(key)

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
        right = meant(key, self._asked) if place.may_suggest else None
        if right is not None and right not in self.written:
            place.around.misspelt.setdefault(self.place.path, {}).setdefault(right, key)


def named(fields: Fields, reader: Reader[str]) -> list[str]:
    """Return the keys of a mapping that are text, after noting what `reader` says against each."""
    keys = [key for key in fields.written if isinstance(key, str)]
    for key in keys:
        with suppress(Unreadable):
            reader(replace(fields.place.at(clipped(key)), value=key))
    return keys


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
    for item in items(place, at_most):
        try:
            found.append((item, reader(item)))
        except Unreadable:
            continue
    return found


def items(place: Place, at_most: int) -> list[Place]:
    """Return the places of the first `at_most` items of what is known to be a list."""
    return [place.item(index, value) for index, value in enumerate(cast(list[object], place.value)[:at_most])]


def name_of(item: Place) -> str:
    """Return by what people know one of a list: its id in quotes, or its path where it has none."""
    name = item.at("id").value
    return f'"{clipped(name)}"' if isinstance(name, str) else item.path


def each_named(place: Place, reader: Reader[T], at_most: int) -> list[tuple[Place, T]]:
    """Read the items of a list, and note an `id` that an earlier item has already."""
    found = each(place, reader, at_most)
    first: dict[str, str] = {}
    for item in items(place, at_most):
        name = item.at("id")
        if isinstance(name.value, str) and first.setdefault(name.value, item.path) != item.path:
            name.note(f'"{clipped(name.value)}" is the id of {first[name.value]} already', "give each its own id")
    return found


def reference(kind: str) -> Reader[str]:
    """Return a reader of the id of a thing that stands elsewhere in the document."""

    def read(place: Place) -> str:
        ids = place.around.names.get(kind)
        if not isinstance(place.value, str):
            raise place.wrong(f"{shown(place.value)} stands where the id of a {kind} belongs")
        if ids is None:
            return place.value  # nobody knows which there are, and where they should be a problem says so
        if place.value not in ids and not _may_be_meant(place, place.value, kind):
            there_are = f"there are: {', '.join(sorted(ids)[:12])}" if ids else f"the document names no {kind}"
            raise place.wrong(f"there is no {kind} {shown(place.value)}", place.nearest(place.value, ids, there_are))
        return place.value

    return read


def _may_be_meant(place: Place, word: str, kind: str) -> bool:
    """Tell whether `word` may be the id of a thing whose own id is wrong or missing, and is no misspelling of another."""
    unsure = place.around.unsure.get(kind)
    if unsure is None:
        return False
    right = meant(word, place.around.names[kind])
    return right is None or right in unsure


def choice(*words: W) -> Reader[W]:
    """Return a reader of one of a closed set of words."""

    def read(place: Place) -> W:
        if isinstance(place.value, str) and place.value in words:
            return words[words.index(place.value)]
        known = f"none of {' | '.join(words)}" if len(words) > 1 else f"not {words[0]}"
        remedy = place.nearest(place.value, words) if isinstance(place.value, str) else ""
        raise place.wrong(f"{shown(place.value)} is {known}", remedy)

    return read
