"""The programmes that are shipped work as they are: they are read without a problem and keep their own promises."""

import json

import pytest

from loyalty_engine.services.documents import preset, presets
from rules.document import read, write
from rules.errors import NotFound
from rules.examples import broken_promises
from rules.programme import Programme
from tests.texts import read_programme


@pytest.fixture(params=presets())
def shipped(request: pytest.FixtureRequest) -> Programme:
    """Each of the presets."""
    found = read_programme(preset(request.param))
    assert isinstance(found, Programme), [str(problem) for problem in found]
    return found


def test_there_is_a_preset_for_a_retailer() -> None:
    assert "retailer" in presets()


@pytest.mark.parametrize("name", ["", "retail", "../document", "retailer.yaml", "a/b", "x" * 300])
def test_a_preset_that_is_not_there_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        preset(name)


def test_a_preset_keeps_its_promises(shipped: Programme) -> None:
    assert len(shipped.examples) >= 3
    assert broken_promises(shipped) == ()


def test_a_preset_is_written_as_json_and_read_again_the_same(shipped: Programme) -> None:
    assert read(json.loads(json.dumps(write(shipped), sort_keys=True))) == shipped


def test_everything_that_a_preset_names_has_a_name_in_english_and_chinese(shipped: Programme) -> None:
    levels = shipped.tiers.levels if shipped.tiers else ()
    things = (*shipped.wallets, *shipped.accrual, *levels, *shipped.rewards)
    assert [thing.id for thing in things if set(thing.name) != {"en", "zh"}] == []
    assert [one.id for one in shipped.messages.templates if set(one.texts) != {"en", "zh"}] == []
