"""The grocer's year brought in by two processes: the same as by one, and an end to all of them when one fails."""

import json
import os
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from loyalty_engine.cli import main
from loyalty_engine.services.intake import MemberReference
from rules.errors import Busy, NotFound
from tests.builders import ADMIN
from tests.ledger import sold

pytest.importorskip("pyarrow")

from loyalty_engine.services.demo import crew
from loyalty_engine.services.demo.grocer import read_year
from loyalty_engine.services.demo.shoppers import in_rounds

AS_OF = date(2026, 11, 22)


@pytest.mark.slow
def test_two_processes_bring_in_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for worth_it in (20_000, 1):
        monkeypatch.setattr(crew, "_WORTH_IT", worth_it)
        monkeypatch.setenv("LOYALTY_DATABASE_URL", f"sqlite:///{tmp_path}/{worth_it}.db")
        CliRunner().invoke(main, ["up", "--no-serve", "--no-demo"])
        result = CliRunner().invoke(main, ["demo", "--households", "9", "--weeks", "6", "--json"])
        assert result.exit_code == 0
        said.append(json.loads(result.stdout))
    assert said[0] == said[1]
    assert said[0]["statuses"].keys() == {"posted"}
    assert CliRunner().invoke(main, ["audit"]).exit_code == 0


def refuses() -> AbstractContextManager[object]:
    raise NotFound("not_here", "There is no database here.")


def dies() -> AbstractContextManager[object]:
    os._exit(1)


@pytest.mark.slow
@pytest.mark.parametrize(("opened", "code"), [(refuses, "not_here"), (dies, "import_cut_off")])
def test_a_process_that_fails_ends_the_import(opened: crew.Opened, code: str) -> None:
    few = read_year(AS_OF, households=4, weeks=4)
    found = {household: MemberReference(member_id="x") for household in few.heads.households}
    task = crew.Task(AS_OF, 4, ADMIN, opened)
    with pytest.raises(Busy) as failed, crew.Crew(task, few) as hands:
        hands.post_year(found, lambda day: None, lambda done: None)
    assert failed.value.code == code


def test_baskets_with_points_or_vouchers_stand_side_by_side_and_each_members_in_their_order() -> None:
    ann, ben = MemberReference(member_id="ann"), MemberReference(member_id="ben")
    plain = sold("a1", None)
    baskets = [
        replace(plain, purchase_id=number, member=member, vouchers=codes)
        for number, member, codes in (
            ("a1", ann, ()), ("a2", ann, ("V",)), ("a3", ann, ()), ("a4", ann, ("V",)), ("a5", ann, ("V",)),
            ("b1", ben, ()), ("b2", ben, ("V",)), ("b3", ben, ()),
        )
    ]  # fmt: skip
    ordered = [one.purchase_id for one in in_rounds(baskets)]
    assert ordered == ["a1", "b1", "a2", "b2", "a3", "b3", "a4", "a5"]
