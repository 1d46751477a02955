"""Asks for many rows by their keys in one statement, however many keys there are."""

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


def among(connection: sa.Connection, column: sa.Column[Any], words: Collection[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a column of text or ids holds one of `words`: one parameter, so that none is too many."""
    if connection.dialect.name == "postgresql":
        return column == sa.any_(sa.literal(list(words), postgresql.ARRAY(column.type)))
    listed = sa.func.json_each(json.dumps(list(words))).table_valued("value")
    return column.in_(sa.select(listed.c.value))


def listed(dialect: str, name: str) -> sa.Select[Any]:
    """Return the words of the parameter `name`, a JSON list of texts, for a statement that is written once."""
    words = sa.bindparam(name, type_=sa.Text)
    if dialect == "postgresql":
        return sa.select(sa.func.jsonb_array_elements_text(sa.cast(words, postgresql.JSONB)).column_valued("word"))
    return sa.select(sa.func.json_each(words).table_valued("value").c.value)
