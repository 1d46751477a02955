"""What the tests of the rules share."""

from pathlib import Path

import pytest

from rules.programme import Programme
from tests.texts import read_programme


@pytest.fixture(scope="session")
def corner_coffee() -> Programme:
    """The whole example of PROGRAMME.md, copied to the letter."""
    text = (Path(__file__).parent / "corner-coffee.yaml").read_text(encoding="utf-8")
    found = read_programme(text)
    assert isinstance(found, Programme), [str(problem) for problem in found]
    return found
