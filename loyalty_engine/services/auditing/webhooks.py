"""Whether what webhooks are told of entries is what the ledger says, each entry once: invariant 14."""

import json
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services.auditing.report import Progress, Report, Rule
from loyalty_engine.services.webhooks import KIND_OF
from loyalty_engine.store.audits import rows
from loyalty_engine.store.audits import webhooks as store
from loyalty_engine.store.tables import webhook_events

_TRUE: Final = Rule(14, "webhook_events", "an event of an entry says what the ledger says")
_ONCE: Final = Rule(14, "webhook_events", "an entry is told of once")


def look(connection: sa.Connection, report: Report, progress: Progress) -> None:
    """Note events without their entry, with other figures than it has, or of one that another event tells of."""
    if not store.any_there(connection):
        return
    total = report.looked_at["webhook events"] = rows.count(connection, webhook_events)
    with progress("webhook events", total) as advance:
        for span in rows.spans(connection):
            entries = {(one.member_id, one.seq): tuple(one[2:]) for one in store.entries_of(connection, span)}
            told: set[tuple[str, int]] = set()
            for event in store.events_of(connection, span):
                _look_at(report, event, entries, told)
                advance(1)


def _look_at(report: Report, event: Any, entries: dict[Any, tuple[Any, ...]], told: set[tuple[str, int]]) -> None:
    data = json.loads(event.payload)
    seq, said = data["seq"], tuple(data[name] for name in ("entry", "wallet", "points", "available"))
    key = {"member_id": event.member_id, "event_no": event.event_no}
    booked = entries.get((event.member_id, seq))
    if booked != said or KIND_OF.get(str(said[0]), "accrual") != event.kind:
        report.note(_TRUE, key, {"seq": seq, "entry": said}, {"entry": booked})
    if (event.member_id, seq) in told:
        report.note(_ONCE, key, {"seq": seq})
    told.add((event.member_id, seq))
