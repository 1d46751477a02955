"""Whatever is handed to the reader, it answers with a programme or with problems; what it reads, it writes back."""

import json
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules.document import read, write
from rules.programme import Programme
from tests.rules.documents import document

_WORDS = st.sampled_from(
    ["id", "wallet", "in", "not_in", "all", "any", "not", "from", "to", "never", "beans", "at_least", "points", "per"]
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(max_size=8)
    | _WORDS
    | st.dates()
    | st.datetimes()
    | st.sampled_from(["12 months", "10%", "2026-12-01T00:00", "07:00", "1.50", Decimal("1e999999"), 10**400, "07-07"])
)
ANYTHING = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(max_size=8) | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path of everything inside `value`."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*path, key))


PLACES = sorted(places(document()), key=str)


def well_answered(written: object) -> Programme | None:
    """Read, check the form of the answer, and return the programme if there is one."""
    answer = read(written)
    if isinstance(answer, Programme):
        return answer
    assert isinstance(answer, tuple)
    assert answer
    assert all(problem.message and isinstance(problem.path, str) for problem in answer)
    json.dumps([str(problem) for problem in answer]).encode()
    "".join(str(problem) for problem in answer).encode()
    return None


@given(ANYTHING)
def test_anything_at_all_is_answered(written: object) -> None:
    assert well_answered(written) is None


@given(st.dictionaries(st.sampled_from(sorted(document())), ANYTHING))
def test_anything_under_the_right_keys_is_answered(written: dict[str, Any]) -> None:
    well_answered(document() | written)


@given(st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING), min_size=1, max_size=3))
def test_a_good_document_that_was_changed_anywhere_is_answered_and_written_back(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    written = document()
    for path, value in changes:
        put(written, path, value)
    found = well_answered(written)
    if found is not None:
        assert read(json.loads(json.dumps(write(found)))) == found


@given(st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_a_good_document_with_one_part_copied_elsewhere_is_answered_and_written_back(
    source: tuple[Any, ...], target: tuple[Any, ...]
) -> None:
    part: Any = document()
    for step in source:
        part = part[step]
    written = document()
    put(written, target, part)
    found = well_answered(written)
    if found is not None:
        assert read(json.loads(json.dumps(write(found)))) == found


def put(written: Any, path: tuple[Any, ...], value: Any) -> None:
    """Put `value` at `path`, where there still is such a place."""
    with suppress(KeyError, IndexError, TypeError, AttributeError):
        for step in path[:-1]:
            written = written[step]
        written[path[-1]] = value
