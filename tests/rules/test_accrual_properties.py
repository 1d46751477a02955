"""Whatever the programme and the purchase: the engine agrees with the reference, and no order changes a result."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from rules.accrual import Accrual, accrue, rework
from rules.facts import MemberFacts, Purchase
from rules.plan import make_plan
from rules.programme import Programme
from rules.trace import trace
from tests.rules.reference import Worked, work_out
from tests.rules.strategies import cap_rooms, members, programmes, purchases, unhurried

whole = st.tuples(programmes(), purchases(), members, cap_rooms)


def agree(programme: Programme, accrual: Accrual, worked: Worked) -> None:
    assert {work.wallet: work.points for work in accrual.wallets} == worked.points
    assert accrual.cap_use == {cap: use for cap, use in worked.cap_use.items() if use}
    for work in accrual.wallets:
        in_points = {rule: Fraction(points) / work.scale for rule, points in work.gave.items()}
        assert in_points == {rule: worked.gave[rule] for rule in in_points}
        assert Fraction(work.level_gave) / work.scale == worked.level_gave[work.wallet]
        cuts = {cap: Fraction(cut) / work.scale for cap, cut in work.cuts.items()}
        assert cuts == {
            cap.id: worked.cuts[cap.id] for cap in programme.caps if cap.id in worked.cuts and cap.wallet == work.wallet
        }
    assert {rule for work in accrual.wallets for rule in work.gave} == set(worked.gave)


@unhurried
@given(whole)
def test_scaled_integers_give_the_same_as_fractions_by_the_text(
    case: tuple[Programme, Purchase, MemberFacts, Mapping[str, int]],
) -> None:
    programme, purchase, member, room = case
    accrual = accrue(make_plan(programme), purchase, member, room)
    agree(programme, accrual, work_out(programme, purchase, member, room))


@unhurried
@given(whole, st.data())
def test_what_is_left_of_a_purchase_gives_the_same_as_fractions_by_the_text(
    case: tuple[Programme, Purchase, MemberFacts, Mapping[str, int]], data: st.DataObject
) -> None:
    programme, purchase, member, room = case
    plan = make_plan(programme)
    decisions = accrue(plan, purchase, member, room).decisions
    left = {line.line_id: data.draw(st.integers(0, line.quantity or 1)) for line in purchase.lines}
    again = rework(plan, purchase, decisions, left)
    agree(
        programme,
        again,
        work_out(programme, purchase, member, room, left, frozenset(decisions.failed)),
    )


@unhurried
@given(whole, st.data())
def test_the_order_of_lines_and_of_rules_never_changes_a_result(
    case: tuple[Programme, Purchase, MemberFacts, Mapping[str, int]], data: st.DataObject
) -> None:
    programme, purchase, member, room = case
    shuffled = replace(
        programme,
        accrual=tuple(data.draw(st.permutations(programme.accrual))),
        caps=tuple(data.draw(st.permutations(programme.caps))),
    )
    moved = replace(purchase, lines=tuple(data.draw(st.permutations(purchase.lines))))
    one = accrue(make_plan(programme), purchase, member, room)
    other = accrue(make_plan(shuffled), moved, member, room)
    assert (other.points, other.cap_use, other.decisions) == (
        one.points,
        one.cap_use,
        one.decisions,
    )
    assert [(work.gave, work.level_gave, work.cuts) for work in other.wallets] == [
        (work.gave, work.level_gave, work.cuts) for work in one.wallets
    ]


@unhurried
@given(whole)
def test_the_decisions_alone_bring_back_the_whole_accrual(
    case: tuple[Programme, Purchase, MemberFacts, Mapping[str, int]],
) -> None:
    programme, purchase, member, room = case
    plan = make_plan(programme)
    accrual = accrue(plan, purchase, member, room)
    assert rework(plan, purchase, accrual.decisions) == accrual


@unhurried
@given(whole)
def test_the_steps_of_a_trace_add_up_to_the_points_of_each_wallet(
    case: tuple[Programme, Purchase, MemberFacts, Mapping[str, int]],
) -> None:
    programme, purchase, member, room = case
    plan = make_plan(programme)
    accrual = accrue(plan, purchase, member, room)
    steps = trace(plan, purchase, accrual)
    for work in accrual.wallets:
        assert sum(step.points for step in steps if step.wallet == work.wallet) == work.points
    assert [step.id for step in steps if step.kind == "rule"] == [rule.id for rule in programme.accrual]
    for step in steps:
        assert step.failed is None or step.points == 0
