"""What a text of a programme holds, for tests that look at less than a deployment does."""

from typing import Any

from loyalty_engine.services import documents
from rules import document
from rules.errors import Problem
from rules.programme import Programme


def load(text: str | bytes) -> Any:
    """Return the plain data that `text` holds (never a tuple), or a tuple of its first Problem with line and column."""
    parsed = documents.parse(text)
    return parsed.problems[:1] or parsed.data


def read_programme(text: str | bytes) -> Programme | tuple[Problem, ...]:
    """Return the programme that a text holds by itself, or everything that is wrong with it."""
    parsed = documents.parse(text)
    found = document.read(parsed.data) if parsed.is_whole else ()
    return (*parsed.problems, *(found if isinstance(found, tuple) else ())) or found
