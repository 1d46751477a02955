"""Takes the fields of a row one by one, and collects everything that is wrong with them instead of stopping at once."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from rules.errors import Problem

T = TypeVar("T")


class Fields:
    """The fields of one object under `path`; what is wrong with them goes to `problems`, which objects inside share."""

    def __init__(self, values: Mapping[str, Any], problems: list[Problem], path: str = "") -> None:
        self._left = dict(values)
        self._path = path
        self.problems = problems

    def place(self, name: str) -> str:
        """Return the path of a field, as reject files write it; that of the object itself for an empty name."""
        return ".".join(part for part in (self._path, name) if part)

    def wrong(self, name: str, message: str) -> None:
        """Note that a field is wrong."""
        self.problems.append(Problem(self.place(name), message))

    def take(self, name: str, reader: Callable[[Any], T]) -> T | None:
        """Take a field; None where it isn't there, is empty, or is wrong."""
        value = self._left.pop(name, None)
        if value is None or value == "":
            return None
        try:
            return reader(value)
        except ValueError as error:
            self.wrong(name, str(error))
            return None

    def need(self, name: str, reader: Callable[[Any], T], instead: T) -> T:
        """Take a field that must be there; what stands in for it when it isn't is never used, as the row is refused."""
        if self._left.get(name) in (None, ""):
            self._left.pop(name, None)
            self.wrong(name, "is missing")
            return instead
        found = self.take(name, reader)
        return instead if found is None else found

    def within(self, name: str) -> "Fields | None":
        """Take an object."""
        found = self.take(name, _object)
        return None if found is None else Fields(found, self.problems, self.place(name))

    def each(self, name: str, most: int) -> Iterator["Fields"]:
        """Take a list of objects."""
        items = self.take(name, _list) or []
        if len(items) > most:
            self.wrong(name, f"has {len(items)} entries; at most {most} are accepted")
            items = []
        for place, item in enumerate(items):
            if isinstance(item, dict):
                yield Fields(item, self.problems, f"{self.place(name)}[{place}]")
            else:
                self.wrong(f"{name}[{place}]", "must be an object")

    def rest(self) -> tuple[str, ...]:
        """Return the names of the fields that nobody took yet."""
        return tuple(self._left)

    def finish(self) -> None:
        """Note every field that nobody took."""
        for name in self._left:
            self.wrong(name, "is not a field of this format")


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("must be a list")
    return value
