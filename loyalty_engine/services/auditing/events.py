"""Whether what events gave agrees with the rules that gave it: once for what they name, and counted by their caps."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services.auditing.report import Progress, Report, Rule, differing
from loyalty_engine.services.event_documents import facts_of
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.store.audits import events as event_rows
from loyalty_engine.store.audits import rows
from loyalty_engine.store.audits.rows import Group
from loyalty_engine.store.tables import member_events
from rules.errors import NotFound
from rules.events import cap_limit, once_key
from rules.periods import business_day, period_start
from rules.plan import Plan
from rules.programme import EventRule

_NO_EVENT: Final = Rule(6, "ledger_entries", "an entry names an event that is there, and a rule of its version")
_ONCE: Final = Rule(6, "event_onces", "what gives only once is used up by what it gave, and by nothing else")
_USES: Final = Rule(6, "limit_uses", "what is used of an event's cap is what its events gave")

Once = tuple[str, str, str]
"""Whose, the rule, and what it gave for."""


@dataclass(slots=True)
class _Sums:
    onces: set[Once] = field(default_factory=set)
    uses: defaultdict[tuple[str, str, date], int] = field(default_factory=lambda: defaultdict(int))


def look(connection: sa.Connection, report: Report, progress: Progress) -> None:
    """Note entries without their event, and marks and sums that the entries don't give."""
    roots = rows.merged(connection)
    total = report.looked_at["events"] = rows.count(connection, member_events)
    if not event_rows.any_there(connection):
        return
    with progress("events", total) as advance:
        for group in rows.groups(connection, roots):
            there = event_rows.events_of(connection, group)
            facts = {(one.member_id, one.event_id): one.facts for one in there}
            sums = _Sums()
            for entry in event_rows.points_of(connection, group):
                _look_at(connection, report, entry, facts, roots.get(entry.member_id, entry.member_id), sums)
            _compare(connection, report, group, roots, sums)
            advance(len(facts))


def _look_at(
    connection: sa.Connection,
    report: Report,
    entry: Any,
    facts: Mapping[tuple[str, str], str],
    account: str,
    sums: _Sums,
) -> None:
    event_id, _, rule_id = entry.source_id.partition("/")
    found = _rule(connection, entry.version, rule_id)
    said = facts.get((entry.member_id, event_id))
    if found is None or said is None:
        key = {"member_id": entry.member_id, "source_id": entry.source_id}
        report.note(_NO_EVENT, key, {"version": entry.version, "event": "there" if said else None})
        return
    plan, rule = found
    if rule.once_per:
        sums.onces.add((account, rule.id, once_key(rule, facts_of(said)) or ""))
    if rule.cap is not None:
        start = period_start(rule.cap.per, business_day(entry.occurred_at, plan.programme.time_zone))
        sums.uses[account, cap_limit(rule.id, rule.cap), start] += entry.points


def _rule(connection: sa.Connection, version: int, rule_id: str) -> tuple[Plan, EventRule] | None:
    try:
        plan = plan_of(connection, version)
    except NotFound:
        return None
    return next(((plan, rule) for rule in plan.programme.events if rule.id == rule_id), None)


def _compare(connection: sa.Connection, report: Report, group: Group, roots: Mapping[str, str], sums: _Sums) -> None:
    own: set[Once] = set()
    for one in event_rows.onces_of(connection, group):
        account = roots.get(one.member_id, one.member_id)
        once = (account, one.rule_id, one.once_key)
        if once not in sums.onces:
            report.note(_ONCE, _named(once), {"event_id": one.event_id}, {"event_id": None})
        elif account == one.member_id:
            own.add(once)
    for once in sums.onces - own:
        report.note(_ONCE, _named(once), {"event_id": None})
    uses = {(one.member_id, one.limit_id, one.period_start): one.used for one in event_rows.uses_of(connection, group)}
    for key in differing(uses, sums.uses):
        named = dict(zip(("member_id", "limit_id", "period_start"), key, strict=True))
        report.note(_USES, named, {"used": uses.get(key, 0)}, {"used": sums.uses.get(key, 0)})


def _named(once: Once) -> dict[str, object]:
    return dict(zip(("member_id", "rule_id", "once_key"), once, strict=True))
