"""Whether a programme keeps the promises that its own examples make: each is worked out and compared to the point.

Source: PROGRAMME.md, Editing: a draft that breaks one of its examples can't be published.
"""

from typing import Any

from rules.accrual import accrue
from rules.document_examples import member_facts, purchase
from rules.errors import Problem
from rules.facts import MemberFacts, Purchase
from rules.filters import NO_LISTS, SkuLists
from rules.periods import business_day
from rules.plan import Plan, make_plan
from rules.programme import Example, Programme
from rules.reading import Place, Surroundings


def broken_promises(programme: Programme, lists: SkuLists = NO_LISTS) -> tuple[Problem, ...]:
    """Return a Problem for each wallet of each example that the programme gives something else than promised.

    A wallet that an example doesn't name may give anything. `lists` are the SKU lists stored beside the programme; one
    that isn't there has no entries. Caps have all of their room.
    """
    plan = make_plan(programme, lists=_Existing(lists))
    cases = enumerate(programme.examples)
    return tuple(problem for index, example in cases for problem in _broken(plan, example, f"examples[{index}]"))


def facts_of(example: Example, programme: Programme) -> tuple[Purchase, MemberFacts]:
    """Return the purchase and the member of an example that was read with `programme`."""
    levels = tuple(level.id for level in programme.tiers.levels) if programme.tiers else ()
    around = Surroundings(programme.money, programme.time_zone, {"level": levels})
    problems: list[Problem] = []
    bought = purchase(_place(example.purchase, around, problems))
    joined_on = business_day(bought.occurred_at, programme.time_zone)
    member = member_facts(_place(example.member, around, problems), joined_on)
    assert not problems, "the document was read, and its examples with it"
    return bought, member


def _place(value: Any, around: Surroundings, problems: list[Problem]) -> Place:
    return Place(value, "", around, problems)


def _broken(plan: Plan, example: Example, path: str) -> list[Problem]:
    bought, member = facts_of(example, plan.programme)
    given = accrue(plan, bought, member, {}).points
    return [
        Problem(
            f"{path}.gives.{wallet}",
            f"promises {promised}, the programme gives {given.get(wallet, 0)}",
            "change the promise or the rules",
        )
        for wallet, promised in example.gives.items()
        if given.get(wallet, 0) != promised
    ]


class _Existing:
    """SKU lists of which one that isn't stored has no entries."""

    def __init__(self, lists: SkuLists) -> None:
        self._lists = lists

    def __getitem__(self, name: str, /) -> frozenset[str]:
        try:
            return self._lists[name]
        except KeyError:
            return frozenset()
