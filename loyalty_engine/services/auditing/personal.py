"""Looks for a person in places that outlive an erasure: invariant 13.

Names can't be told from other words; telephone numbers and mail addresses can, and so can a field that isn't one of a
purchase's own.
"""

import re
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.auditing.report import Progress, Report, Rule
from loyalty_engine.services.parking import NAMED_FOR
from loyalty_engine.store.audits import rows
from loyalty_engine.store.audits.checks import keys_of
from loyalty_engine.store.tables import (
    audit_log,
    ledger_entries,
    lots,
    member_events,
    programme_versions,
    purchase_returns,
    tier_history,
    vouchers,
    waiting_returns,
    webhook_events,
)

_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+", re.ASCII)
_PHONE: Final = re.compile(r"\+[1-9][0-9]{7,14}(?![0-9])", re.ASCII)
_MEMBER: Final = tuple(f'"{name}":' for name in ("member", "member_id", "card", "phone", "email", "name", "token"))

_TEXTS: Final = (
    (ledger_entries, ("source_id", "actor", "reason")),
    (lots, ("source_id",)),
    (tier_history, ("source_id", "actor", "reason")),
    (purchase_returns, ("return_reference", "units")),
    (member_events, ("facts",)),
    (waiting_returns, ("return_reference", "request")),
    (vouchers, ("source_id", "reason")),
    (webhook_events, ("payload",)),
    (audit_log, ("actor", "target", "detail")),
    (programme_versions, ("author", "reason")),
)


_NAMED: Final = Rule(13, "parked_purchases", "by which card or phone its member was named is forgotten after 30 days")
_TIDIED_WITHIN: Final = timedelta(days=2)
"""How long after it is due `loyalty db tidy` may come: it runs once a day."""


def look(connection: sa.Connection, report: Report, progress: Progress) -> None:
    """Note texts that hold a telephone number or a mail address, and cards and phones that are kept too long."""
    for row in rows.named_since(connection, clock.now() - NAMED_FOR - _TIDIED_WITHIN):
        report.note(_NAMED, {"purchase_key": row.purchase_key}, "a card or a telephone number")
    with progress("texts", sum(len(columns) for _, columns in _TEXTS)) as advance:
        for table, columns in _TEXTS:
            rule = Rule(13, table.name, "no text holds a telephone number or a mail address")
            for column in columns:
                for row in rows.texts_with(connection, table, column, ("@", "+")):
                    if found := personal_in(row["text"]):
                        key = {name: row[name] for name in keys_of(table)}
                        report.note(rule, key, {column: found})
                advance(1)


def personal_in(text: str) -> str | None:
    """Say what a text holds of a person, without repeating it; None for nothing."""
    if "@" in text and _MAIL.search(text):
        return "a mail address"
    return "a telephone number" if "+" in text and _PHONE.search(text) else None


def personal_in_facts(facts: str) -> str | None:
    """The same for the facts of a purchase, which besides may not say who bought."""
    for field in _MEMBER:
        if field in facts:
            return f"the field {field[:-1]}"
    return personal_in(facts)
