"""Which version of the programme judges, and what keeps a document from becoming one."""

from datetime import timedelta

import pytest
from flask import Flask

from loyalty_engine.services import documents, enrolment, programmes, publishing, sku_lists
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store.session import reading
from rules.errors import Conflict, Invalid, NotFound
from tests.builders import ADMIN, PROGRAMME, done, publish
from tests.conftest import NOON, FrozenClock

LISTED = PROGRAMME.replace("earn: {points: 1", "lines: {sku_list: {in: [slow-sellers]}}, earn: {points: 1")


def version_at(at: object) -> int:
    with reading() as connection:
        return plan_for(connection, at).version  # type: ignore[arg-type]


def test_without_a_programme_nothing_can_be_judged(app: Flask) -> None:
    with pytest.raises(Conflict, match="loyalty programme publish") as refused:
        version_at(NOON)
    assert refused.value.code == "no_programme"


def test_the_first_version_reaches_back_without_limit(app: Flask, frozen_clock: FrozenClock) -> None:
    publish()
    assert version_at(NOON - timedelta(days=10_000)) == 1


def test_a_version_begins_at_its_instant_and_not_before(app: Flask, frozen_clock: FrozenClock) -> None:
    publish()
    begins = NOON + timedelta(days=7)
    publishing.publish(ADMIN, PROGRAMME, begins, "the autumn prices")
    moment = timedelta(microseconds=1)
    assert [version_at(at) for at in (begins - moment, begins, begins + moment)] == [1, 2, 2]


def test_a_version_that_another_process_published_is_seen_at_once(app: Flask, frozen_clock: FrozenClock) -> None:
    publish()
    assert version_at(NOON) == 1
    frozen_clock.move(timedelta(seconds=1))
    publish()
    assert version_at(NOON + timedelta(days=1)) == 2


def test_a_later_version_may_not_begin_in_the_past(app: Flask, frozen_clock: FrozenClock) -> None:
    publish()
    with pytest.raises(Invalid) as refused:
        publishing.publish(ADMIN, PROGRAMME, NOON - timedelta(seconds=61), "too late")
    assert refused.value.code == "effective_at_invalid"
    publishing.publish(ADMIN, PROGRAMME, NOON - timedelta(seconds=60), "just in time")


def test_a_later_version_begins_after_the_one_before_it(app: Flask, frozen_clock: FrozenClock) -> None:
    publish()
    publishing.publish(ADMIN, PROGRAMME, NOON + timedelta(days=7), "next week")
    for begins in (NOON, NOON + timedelta(days=7)):
        with pytest.raises(Conflict) as refused:
            publishing.publish(ADMIN, PROGRAMME, begins, "before next week")
        assert refused.value.code == "effective_at_taken"


def test_the_first_version_has_no_beginning_to_choose(app: Flask) -> None:
    with pytest.raises(Invalid) as refused:
        publishing.publish(ADMIN, PROGRAMME, NOON, "from noon")
    assert "effective_at" in refused.value.errors


def test_every_problem_of_a_document_is_told_by_its_path(app: Flask) -> None:
    text = PROGRAMME.replace("money: CNY", "money: Yuan").replace("wallet: leaves", "wallet: leafs", 1)
    with pytest.raises(Invalid) as refused:
        publishing.publish(ADMIN, text, None, "with mistakes")
    assert {"money", "accrual[0].wallet"} <= refused.value.errors.keys()
    assert programmes.versions() == ()


def test_a_version_that_breaks_its_example_is_not_published(app: Flask) -> None:
    example = (
        "examples:\n  - {name: a pot, purchase: {occurred_at: 2026-11-22T09:41+08:00,"
        ' lines: [{sku: TEA, amount: "30.00"}]}, gives: {leaves: %d}}\n'
    )
    assert publishing.check(PROGRAMME + example % 30) == ()
    (problem,) = publishing.check(PROGRAMME + example % 31)
    assert problem.path == "examples[0].gives.leaves"
    with pytest.raises(Invalid):
        publish(PROGRAMME + example % 31)


def test_a_list_of_skus_that_is_not_there_is_a_problem(app: Flask) -> None:
    (problem,) = publishing.check(LISTED)
    assert problem.path == "accrual[0].lines.sku_list.in[0]"
    sku_lists.put(ADMIN, "slow-sellers", ["TEA"])
    assert publishing.check(LISTED) == ()


BROKEN_PROMISE = (
    "examples:\n  - {name: a pot, purchase: {occurred_at: 2026-11-22T09:41+08:00,"
    ' lines: [{sku: TEA, amount: "30.00"}]}, gives: {leaves: 31}}\n'
)


def test_what_a_deployment_has_and_broken_examples_are_told_together(app: Flask) -> None:
    publish()
    elsewhere = "accrual:\n  - {id: slow, exclude: {sku_list: {in: [slow-sellers]}, sku: {in: [CAKE]}}}\n"
    text = PROGRAMME.replace("tea-club", "coffee-club", 1).replace("accrual:\n", elsewhere, 1) + BROKEN_PROMISE
    assert [problem.path for problem in publishing.check(text)] == [
        "programme",
        "accrual[0].exclude.sku_list.in[0]",
        "examples[0].gives.leaves",
    ]
    with pytest.raises(Invalid) as refused:
        publishing.publish(ADMIN, text, None, "with mistakes")
    assert list(refused.value.errors) == [problem.path for problem in publishing.check(text)]


def test_an_example_that_asks_a_list_that_is_not_there_waits_for_it(app: Flask) -> None:
    (missing,) = publishing.check(LISTED + BROKEN_PROMISE)
    assert missing.path == "accrual[0].lines.sku_list.in[0]"
    sku_lists.put(ADMIN, "slow-sellers", ["TEA"])
    (broken,) = publishing.check(LISTED + BROKEN_PROMISE)
    assert broken.path == "examples[0].gives.leaves"


def test_what_is_wrong_with_the_text_is_told_with_what_is_wrong_in_it(app: Flask) -> None:
    publish()
    text = PROGRAMME.replace("tea-club", "coffee-club", 1).replace(
        "money: CNY", "money: CNY\nmoney: !x USD\nmony: CNY", 1
    )
    text = text.replace("wallet: leaves", "wallet: leafs", 1)
    assert [str(problem).split(" (")[0] for problem in publishing.check(text)] == [
        'line 4, column 1: the key "money" is there twice',
        'line 4, column 8: the tag "!x" is not read',
        'programme: is "coffee-club", and this deployment runs "tea-club"',
        'accrual[0].wallet: there is no wallet "leafs"',
        'mony: unknown key "mony"',
    ]


def test_a_list_without_skus_is_there_and_catches_nothing(app: Flask, frozen_clock: FrozenClock) -> None:
    sku_lists.put(ADMIN, "slow-sellers", [])
    assert publishing.check(LISTED) == ()
    publish(LISTED)
    with reading() as connection:
        assert plan_for(connection, NOON).lists["slow-sellers"] == frozenset()


def test_rules_see_a_changed_list_of_skus(app: Flask, frozen_clock: FrozenClock) -> None:
    sku_lists.put(ADMIN, "slow-sellers", ["TEA"])
    publish(LISTED)
    with reading() as connection:
        assert plan_for(connection, NOON).lists["slow-sellers"] == {"TEA"}
        sku_lists.put(ADMIN, "slow-sellers", ["CAKE"])
        assert plan_for(connection, NOON).lists["slow-sellers"] == {"CAKE"}
        assert plan_for(connection, NOON).lists["no-such-list"] == frozenset()


def test_versions_are_kept_with_author_reason_and_document(app: Flask, frozen_clock: FrozenClock) -> None:
    publish()
    (only,) = programmes.versions()
    assert (only.version, only.effective_at, only.published_at, only.author) == (1, None, NOON, str(ADMIN))
    version, document = programmes.version(1)
    assert (version, document["programme"]) == (only, "tea-club")
    with pytest.raises(NotFound):
        programmes.version(2)


def test_a_preset_can_be_published_as_it_is(app: Flask) -> None:
    assert publish(documents.preset("retailer")) == 1
    assert done(enrolment.enrol_in, ADMIN, NewMember()).status == 201
    with pytest.raises(NotFound):
        documents.preset("no-such-preset")


@pytest.mark.parametrize(
    ("written", "instead", "path"),
    [("programme: ", "programme: another-", "programme"), ("money: USD", "money: EUR", "money")],
)
def test_another_programme_or_currency_is_not_published_over_the_one_there_is(
    app: Flask, written: str, instead: str, path: str
) -> None:
    publish(documents.preset("retailer"))
    with pytest.raises(Invalid) as refused:
        publish(documents.preset("retailer").replace(written, instead, 1))
    assert list(refused.value.errors) == [path]
    assert [
        problem.path for problem in publishing.check(documents.preset("retailer").replace(written, instead, 1))
    ] == [path]
