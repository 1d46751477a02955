"""Runs the checks that the database can make by itself, one statement each."""

from functools import cache

import sqlalchemy as sa

from loyalty_engine.services.auditing.report import Progress, Report, Rule
from loyalty_engine.store.audits import (
    checks,
    kinds,
    ledger,
    lots,
    merges,
    occasions,
    redemptions,
    standing,
    vouchers,
    webhooks,
)
from loyalty_engine.store.audits.checks import EXPECTED, FOUND, Check


@cache
def _written(dialect: str) -> tuple[Check, ...]:
    """Return the checks, each written once in a process: that takes longer than asking a small database."""
    return (
        *ledger.checks(),
        *kinds.checks(),
        *lots.checks(),
        *redemptions.checks(),
        *merges.checks(),
        *standing.checks(dialect),
        *vouchers.checks(),
        *occasions.checks(),
        *webhooks.checks(),
    )


def look(connection: sa.Connection, report: Report, progress: Progress) -> None:
    """Note every row that breaks one of the checks."""
    all_of_them = _written(connection.dialect.name)
    report.looked_at["checks"] = len(all_of_them)
    with progress("checks", len(all_of_them)) as advance:
        for check in all_of_them:
            rule = Rule(check.invariant, check.table, check.says)
            for row in checks.run(connection, check):
                note(report, rule, check, row)
            advance(1)


def note(report: Report, rule: Rule, check: Check, row: sa.RowMapping) -> None:
    """Note one row that breaks a check."""
    key = {name: row[name] for name in check.keys}
    found = _named(row, FOUND)
    expected = _named(row, EXPECTED)
    same = {name for name in expected if name in found and found[name] == expected[name]}
    shown = ({name: value for name, value in side.items() if name not in same} for side in (found, expected))
    report.note(rule, key, *shown)


def _named(row: sa.RowMapping, prefix: str) -> dict[str, object]:
    return {str(name).removeprefix(prefix): value for name, value in row.items() if str(name).startswith(prefix)}
