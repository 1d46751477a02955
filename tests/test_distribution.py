"""The tables can be spread over many PostgreSQL nodes by member: rules of DISTRIBUTED.md, held against our metadata."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from loyalty_engine.store.tables import members, metadata

TABLES = {table.name: table for table in metadata.sorted_tables}
SHARED_CHECK = Path(__file__).parents[2] / "shared" / "tools" / "distributable.py"
WHOLE = ("reference", "local")
"""Kept whole: on every node, or on the first one only."""

distributed = pytest.mark.parametrize(
    "table", [pytest.param(table, id=name) for name, table in TABLES.items() if table.info["distribution"] not in WHOLE]
)
every_table = pytest.mark.parametrize("table", [pytest.param(table, id=name) for name, table in TABLES.items()])


def unique_sets(table: sa.Table) -> Iterator[set[str]]:
    """Yield the names of the columns of everything that must be unique."""
    yield {column.name for column in table.primary_key.columns}
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            yield {column.name for column in constraint.columns}
    for index in table.indexes:
        if index.unique:
            yield {column.name for column in index.columns}


@every_table
def test_it_says_how_it_is_distributed(table: sa.Table) -> None:
    assert table.info["distribution"] in {*WHOLE, *table.columns.keys()}


@distributed
def test_whatever_is_unique_in_it_contains_its_distribution_column(table: sa.Table) -> None:
    assert all(table.info["distribution"] in columns for columns in unique_sets(table))


@every_table
def test_a_foreign_key_stays_on_one_node(table: sa.Table) -> None:
    """It points to a table that every node has, or carries the column by which both tables are distributed."""
    mine = table.info["distribution"]
    for key in table.foreign_key_constraints:
        theirs = key.referred_table.info["distribution"]
        pairs = {(element.parent.name, element.column.name) for element in key.elements}
        carried = mine == theirs and (mine, theirs) in pairs
        assert carried or (theirs == "reference" and mine != "local") or (mine == theirs and mine in WHOLE), key
        assert (key.ondelete or "").upper() not in ("SET NULL", "SET DEFAULT")


@distributed
def test_a_member_is_named_by_the_same_type_everywhere(table: sa.Table) -> None:
    if "member_id" in table.columns:
        assert type(table.c.member_id.type) is type(members.c.member_id.type)


def test_all_that_belongs_to_a_member_is_distributed_by_member() -> None:
    """Look-ups lead to a member and lie elsewhere, without a foreign key; everything else of a member lies with it."""
    for table in TABLES.values():
        points_to_members = any(key.referred_table is members for key in table.foreign_key_constraints)
        if points_to_members or (
            table.primary_key.columns.contains_column(table.c.member_id) if "member_id" in table.c else False
        ):
            assert table.info["distribution"] == "member_id"
    assert all("member_id" not in table.c for table in TABLES.values() if table.info["distribution"] == "local")


@every_table
def test_the_application_makes_ids_and_times(table: sa.Table) -> None:
    assert table.autoincrement_column is None or table.autoincrement_column.autoincrement is False
    for column in table.columns:
        assert column.identity is None
        assert not isinstance(column.default, sa.Sequence)
        default = getattr(column.server_default, "arg", "")
        assert "now" not in str(default).lower()
        assert "current_" not in str(default).lower()


@pytest.mark.skipif(not SHARED_CHECK.exists(), reason="the check that is shared among projects is not beside this one")
def test_the_shared_check_agrees() -> None:
    spec = importlib.util.spec_from_file_location("distributable", SHARED_CHECK)
    assert spec is not None
    assert spec.loader is not None
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    assert check.problems(metadata) == []
