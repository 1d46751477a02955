"""What things are called: in the asked language, by their ids where nobody named them; and the one key of all forms."""

import pytest

from loyalty_engine.services import names, page_keys
from loyalty_engine.services.caching import forget_everything
from rules.errors import Conflict
from tests.builders import open_store, publish

pytestmark = pytest.mark.usefixtures("app")


def test_things_are_called_in_the_asked_language_or_in_english() -> None:
    publish()
    found = names.names("zh-CN")
    assert (found.programme, found.money, str(found.time_zone)) == ("茶会", "CNY", "Asia/Shanghai")
    assert (found.wallet("leaves"), found.level("gold"), found.counted) == ("Leaves", "Gold", "Leaves")


def test_what_the_programme_no_longer_has_goes_by_its_id() -> None:
    publish()
    found = names.names("en")
    assert (found.wallet("old"), found.level("old"), found.level(None), found.reward("old")) == (
        "old",
        "old",
        None,
        "old",
    )


def test_stores_go_by_their_names_and_unknown_ones_are_left_out() -> None:
    publish()
    open_store("s-1", "t-1")
    assert names.store_names(["s-1", "s-1", "s-9"]) == {"s-1": "Store s-1"}
    assert names.store_names([]) == {}


def test_without_a_programme_nothing_has_a_name() -> None:
    with pytest.raises(Conflict):
        names.names("en")


def test_the_key_of_forms_is_made_once() -> None:
    made = page_keys.forms()
    forget_everything()
    assert page_keys.forms() == made
    assert len(made) == 32
