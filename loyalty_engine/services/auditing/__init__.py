"""Proves the whole database right, or names the rows that are wrong: RELIABILITY.md's invariants, as `loyalty audit`."""

from loyalty_engine.services.auditing import (
    events,
    figures,
    lookups,
    nights,
    occasions,
    personal,
    purchases,
    redemptions,
    versions,
    vouchers,
    webhooks,
)
from loyalty_engine.services.auditing.report import Progress, Report, unseen
from loyalty_engine.store.session import snapshot

__all__ = ["Progress", "Report", "audit"]


def audit(progress: Progress = unseen) -> Report:
    """Look at everything as it is at one moment, and return what is broken; nothing is written."""
    report = Report()
    with snapshot() as connection:
        for look in (
            figures.look,
            nights.look,
            versions.look,
            purchases.look,
            redemptions.look,
            events.look,
            occasions.look,
            lookups.look,
            vouchers.look,
            webhooks.look,
            personal.look,
        ):
            look(connection, report, progress)
    return report
