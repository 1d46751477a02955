"""Plans what members are told, in the transaction of its cause."""

import json
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from loyalty_engine.services.deployment_secrets import phone_digest
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.tables import messages
from rules.programme import Programme


def plan_code(
    connection: sa.Connection,
    programme: Programme,
    *,
    phone: str,
    member_id: str | None,
    language: str,
    code: str,
    minutes: int,
    cause_id: str,
    now: datetime,
) -> None:
    """Write a one-time code to a phone, to be sent at once."""
    row = dict.fromkeys(messages.columns.keys()) | {
        "member_id": member_id or nobody(connection, phone),
        "message_id": new_id(),
        "template": "code",
        "purpose": "service",
        "channel": "sms",
        "language": language,
        "status": "planned",
        "cause_kind": "code",
        "cause_id": cause_id,
        "places": json.dumps({"code": code, "minutes": minutes}),
        "to_address": phone,
        "send_at": now,
        "send_by": now + timedelta(minutes=minutes),
        "planned_at": now,
        "changed_at": now,
        "attempts": 0,
        "version": plan_for(connection, now).version,
    }
    connection.execute(messages.insert().values(**row))


def nobody(connection: sa.Connection, phone: str) -> str:
    """Return the id under which messages to a phone stand that no member has; nothing of the number is in it."""
    return str(UUID(hex=phone_digest(connection, phone)[:32], version=5))
