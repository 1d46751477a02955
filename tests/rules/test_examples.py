"""A programme's examples are worked out, and those that don't hold are told to the point."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from rules.examples import broken_promises, facts_of
from rules.facts import Birthday, Line, Tender
from rules.programme import Programme
from tests.rules.documents import changed, document, programme


def told(written: dict[str, Any], **lists: frozenset[str]) -> list[str]:
    """Return what is told of the examples of a document that is otherwise right."""
    return [str(problem) for problem in broken_promises(programme(written), lists)]


def test_the_design_example_gives_what_it_promises(corner_coffee: Programme) -> None:
    assert broken_promises(corner_coffee) == ()
    assert corner_coffee.examples[0].gives == {"beans": 43, "stamps": 2}


def test_an_example_that_gives_something_else_is_told_with_both_figures() -> None:
    assert told(document()) == []
    assert told(changed("examples[0].gives", {"beans": 4})) == [
        "examples[0].gives.beans: promises 4, the programme gives 203 (change the promise or the rules)"
    ]
