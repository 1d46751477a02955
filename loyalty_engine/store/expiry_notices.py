"""The queries on notices that points will lapse: which were planned, and when."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

import sqlalchemy as sa

from loyalty_engine.store.nights.batches import these
from loyalty_engine.store.nights.notices import Notice
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
_suppress = Statement(
    expiry_notices.update()
    .where(
        expiry_notices.c.member_id == sa.bindparam("member_key", type_=expiry_notices.c.member_id.type),
        expiry_notices.c.wallet == sa.bindparam("wallet_key"),
        expiry_notices.c.expires_on == sa.bindparam("end", type_=sa.Date),
        expiry_notices.c.days_before == sa.bindparam("days", type_=sa.Integer),
    )
    .values(status="suppressed")
)


def planned_on(
    connection: sa.Connection, member_id: str, wallet: str, expires_on: date, days_before: int
) -> date | None:
    """Return the day on which the notice so many days before an end was planned, whatever became of it; or None."""
    row = _planned_on.one(
        connection, member_id=member_id, wallet=wallet, expires_on=expires_on, days_before=days_before
    )
    return row[0] if row else None


def suppress(connection: sa.Connection, notices: Sequence[Notice], wholly: Collection[str], at: datetime) -> None:
    """Note that these notices can't be told; of the members in `wholly` they are all that were planned at `at`."""
    if wholly:
        ends = {one.expires_on for one in notices if one.member_id in wholly}
        of_them = (these(connection, expiry_notices.c.member_id, wholly), expiry_notices.c.expires_on.in_(ends))
        just_now = (expiry_notices.c.status == "planned", expiry_notices.c.planned_at == at)
        connection.execute(expiry_notices.update().where(*of_them, *just_now).values(status="suppressed"))
    rest = [
        {"member_key": one.member_id, "wallet_key": one.wallet, "end": one.expires_on, "days": one.days_before}
        for one in notices
        if one.member_id not in wholly
    ]
    _suppress.many(connection, rest)
