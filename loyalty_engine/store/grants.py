"""What the service's own database role may do on PostgreSQL: write everything, but change nothing that is append-only.

Source: RELIABILITY.md, 4: entries and lot changes are never updated or deleted, the service's database role can't.
"""

from typing import Final

import sqlalchemy as sa

from loyalty_engine.store.tables import (
    audit_log,
    ledger_entries,
    lot_changes,
    metadata,
    programme_versions,
    tier_history,
)

APPEND_ONLY: Final = (ledger_entries, lot_changes, tier_history, programme_versions, audit_log)


def has_role(connection: sa.Connection, role: str) -> bool:
    """Tell whether the server has a role of that name."""
    return connection.scalar(sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}) is not None


def grant(connection: sa.Connection, role: str) -> None:
    """Give `role`, which must exist, what the service needs and no more; run it again after each upgrade."""
    quote = connection.dialect.identifier_preparer
    to_role = f"TO {quote.quote_identifier(role)}"
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public {to_role}")
    connection.exec_driver_sql(f"GRANT SELECT ON alembic_version {to_role}")
    for table in metadata.sorted_tables:
        rights = "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        connection.exec_driver_sql(f"GRANT {rights} ON {quote.format_table(table)} {to_role}")
