"""Every job by its name: those of the night in their order, and those of every minute."""

from typing import Final

from loyalty_engine.services import idempotency
from loyalty_engine.services.jobs import lots
from loyalty_engine.services.jobs.kinds import EveryMinute, Job, at_once

NIGHTLY: Final[tuple[Job, ...]] = (
    lots.PENDING,
    lots.NOTICES,
    lots.EXPIRY,
    at_once("tidy", lambda day: idempotency.forget_expired()),
)
"""Points become available before they lapse, and are noticed before that. Next: vouchers, reviews."""

EVERY_MINUTE: Final[tuple[EveryMinute, ...]] = ()
"""Next: holds, vouchers that tills hold."""

NAMES: Final = (*(job.name for job in NIGHTLY), *(job.name for job in EVERY_MINUTE))
