"""Every job by its name: those of the night in their order, and those of every minute."""

from typing import Final

from loyalty_engine.services import (
    idempotency,
    message_stopping,
    occasions,
    parking,
    phone_codes,
    redemptions,
    voucher_endings,
)
from loyalty_engine.services.jobs import levels, lots
from loyalty_engine.services.jobs.kinds import EveryMinute, Job, at_once, by_calls

NIGHTLY: Final[tuple[Job, ...]] = (
    lots.PENDING,
    lots.NOTICES,
    lots.EXPIRY,
    by_calls("vouchers", voucher_endings.expire_due),
    levels.REVIEWS,
    occasions.OCCASIONS,
    at_once("tidy", lambda day: idempotency.forget_expired() + parking.forget_names() + phone_codes.forget_old()),
)
"""Points become available before they lapse, and are noticed before that."""

EVERY_MINUTE: Final[tuple[EveryMinute, ...]] = (
    EveryMinute("holds", redemptions.time_out_holds),
    EveryMinute("held-messages", message_stopping.release_unpaused),
    EveryMinute("voucher-holds", voucher_endings.release_held),
    occasions.WELCOMES,
)

NAMES: Final = (*(job.name for job in NIGHTLY), *(job.name for job in EVERY_MINUTE))
