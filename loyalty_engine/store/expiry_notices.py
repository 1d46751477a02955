"""The queries on notices that points will lapse: which were planned, and when."""

from datetime import date

import sqlalchemy as sa

from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import expiry_notices

_planned_on = Statement(
    sa.select(expiry_notices.c.planned_on).where(
        expiry_notices.c.member_id == sa.bindparam("member_id", type_=expiry_notices.c.member_id.type),
        expiry_notices.c.wallet == sa.bindparam("wallet"),
        expiry_notices.c.expires_on == sa.bindparam("expires_on", type_=sa.Date),
        expiry_notices.c.days_before == sa.bindparam("days_before", type_=sa.Integer),
    )
)


def planned_on(
    connection: sa.Connection, member_id: str, wallet: str, expires_on: date, days_before: int
) -> date | None:
    """Return the day on which the notice so many days before an end was planned, whatever became of it; or None."""
    row = _planned_on.one(
        connection, member_id=member_id, wallet=wallet, expires_on=expires_on, days_before=days_before
    )
    return row[0] if row else None
