"""What an audit found: for each thing that must hold how many rows break it, and the first of them by name."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

Advance = Callable[[int], None]
Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""Given what is looked at and how many there are, shows how it gets on."""

NAMED: Final = 20
"""How many rows are named for each thing that is broken."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold: the invariant's number (RELIABILITY.md), the table, and what must be so."""

    invariant: int
    table: str
    says: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that breaks a rule: its key, what was found there, and what was expected."""

    key: Mapping[str, str]
    found: Mapping[str, str]
    expected: Mapping[str, str]

    def __str__(self) -> str:
        def words(values: Mapping[str, str]) -> str:
            return ", ".join(f"{name} {value}" for name, value in values.items())

        expected = f"; expected {words(self.expected)}" if self.expected else ""
        return f"{words(self.key)}: found {words(self.found)}{expected}"


@dataclass(slots=True)
class Broken:
    """A rule that is broken: how often, and the first rows that break it."""

    rule: Rule
    count: int = 0
    first: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """The outcome. `looked_at` says how many rows of what were gone through."""

    looked_at: dict[str, int] = field(default_factory=dict)
    found: dict[Rule, Broken] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        return not self.found

    @property
    def broken(self) -> tuple[Broken, ...]:
        """Return the broken rules in the order of the invariants."""
        return tuple(sorted(self.found.values(), key=lambda one: (one.rule.invariant, one.rule.table, one.rule.says)))

    def note(self, rule: Rule, key: Mapping[str, object], found: object, expected: object = None) -> None:
        """Note a row that breaks `rule`; figures may be given by name, or a single one as it is."""
        broken = self.found.setdefault(rule, Broken(rule))
        broken.count += 1
        if len(broken.first) < NAMED:
            broken.first.append(Finding(_words(key), _words(found), _words(expected)))

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {"clean": self.clean, "looked_at": self.looked_at, "broken": [*map(_broken_json, self.broken)]}


def _words(values: object) -> dict[str, str]:
    if values is None:
        return {}
    named = values if isinstance(values, Mapping) else {"": values}
    return {str(name): "nothing" if value is None else str(value) for name, value in named.items()}


def _broken_json(broken: Broken) -> dict[str, Any]:
    rule = broken.rule
    rows = [{"key": one.key, "found": one.found, "expected": one.expected} for one in broken.first]
    return {"invariant": rule.invariant, "table": rule.table, "rule": rule.says, "count": broken.count, "rows": rows}


def unseen(_what: str, _total: int) -> AbstractContextManager[Advance]:
    """Show no progress."""
    return nullcontext(lambda done: None)


def differing(found: Mapping[Any, object], expected: Mapping[Any, object]) -> Iterator[Any]:
    """Yield the keys for which two sums differ; one that is missing is 0."""
    if found == expected:
        return
    for key in {**found, **expected}:
        if found.get(key, 0) != expected.get(key, 0):
            yield key
