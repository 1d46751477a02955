"""Which revision of its history a database is at."""

import sqlalchemy as sa

_TABLE = sa.table("alembic_version", sa.column("version_num", sa.String))


def present(connection: sa.Connection) -> str | None:
    """Return the revision that the database is at; None for one without tables."""
    if not sa.inspect(connection).has_table(_TABLE.name):
        return None
    revision: str | None = connection.scalar(sa.select(_TABLE.c.version_num))
    return revision
