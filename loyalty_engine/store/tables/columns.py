"""What every table is made of: the metadata with its names for constraints, and the columns that recur."""

from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.types import uuid_text

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

MAX_POINTS_AN_ENTRY = 10**9
KEY = sa.String(200)
CODE = sa.String(64)


def table(name: str, distribution: str, *parts: sa.schema.SchemaItem, clustered: bool = False) -> sa.Table:
    """Declare a table; `clustered` ones are stored by their key on SQLite, which suits narrow rows."""
    return sa.Table(name, metadata, *parts, info={"distribution": distribution}, sqlite_with_rowid=not clustered)


def col(name: str, kind: Any, *parts: Any, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    """Declare a column that must not be null, unless it may."""
    return sa.Column(name, kind, *parts, nullable=null, server_default=default)


def member_key(**options: Any) -> sa.Column[Any]:
    """Declare the column by which a member's own table is keyed and distributed."""
    return sa.Column("member_id", uuid_text(), sa.ForeignKey("members.member_id"), primary_key=True, **options)


def index_where(name: str, where: str, *columns: str) -> sa.Index:
    """Index only the rows that a nightly run looks for."""
    return sa.Index(name, *columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def figure(name: str) -> sa.Column[Any]:
    """Declare a whole number that begins at 0."""
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
