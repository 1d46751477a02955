"""Whether a programme keeps the promises that its own examples make: each is worked out and compared to the point.

Source: PROGRAMME.md, Editing: a draft that breaks one of its examples can't be published.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rules.accrual import accrue
from rules.document_examples import member_facts, purchase
from rules.errors import Problem
from rules.facts import MemberFacts, Purchase
from rules.filters import NO_LISTS
from rules.periods import business_day
from rules.plan import Plan, make_plan, with_lists
from rules.programme import Example, Programme
from rules.reading import Place, Surroundings


def broken_promises(programme: Programme, lists: Mapping[str, frozenset[str]] = NO_LISTS) -> tuple[Problem, ...]:
    """Return a Problem for each wallet of each example that the programme gives something else than promised.

    A wallet that an example doesn't name may give anything. `lists` are the SKU lists stored beside the programme. Where
    one isn't there, an example that would give something else with all of its products on that list than with none is
    left alone: what it gives is known when the list is there. Caps have all of their room.
    """
    plan = make_plan(programme)
    plans = [with_lists(plan, {**dict.fromkeys(plan.list_names, frozenset[str]()), **lists})]
    if not lists.keys() >= set(plan.list_names):
        skus = frozenset(line["sku"] for example in programme.examples for line in example.purchase["lines"])
        plans.append(with_lists(plan, {**dict.fromkeys(plan.list_names, skus), **lists}))
    cases = enumerate(programme.examples)
    return tuple(problem for index, example in cases for problem in _broken(plans, example, f"examples[{index}]"))


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


def _broken(plans: Sequence[Plan], example: Example, path: str) -> Iterator[Problem]:
    bought, member = facts_of(example, plans[0].programme)
    given = [accrue(plan, bought, member, {}).points for plan in plans]
    for wallet, promised in example.gives.items():
        figures = {points.get(wallet, 0) for points in given}
        if len(figures) == 1 and promised not in figures:
            yield Problem(
                f"{path}.gives.{wallet}",
                f"promises {promised}, the programme gives {figures.pop()}",
                "change the promise or the rules",
            )
