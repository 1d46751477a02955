"""Every job by its name: those of the night in their order, and those of every minute."""

from typing import Final

from loyalty_engine.services import (
    dispatch,
    gateways,
    idempotency,
    message_stopping,
    occasions,
    parking,
    phone_codes,
    reconciliation,
    redemptions,
    voucher_endings,
)
from loyalty_engine.services.jobs import levels, lots
from loyalty_engine.services.jobs.kinds import EveryMinute, Job, at_once, by_calls
from loyalty_engine.store.ids import new_id

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
    EveryMinute("reconcile", reconciliation.reconcile),
)
SENDING: Final = EveryMinute(
    "send",
    lambda now, limit: dispatch.send_due(new_id(), limit),
    lambda: {f"circuit of {channel} open": 1 for channel in gateways.open_circuits()},
)
"""Called every second and not by the tick, which a slow gateway must not hold up."""

NAMES: Final = (*(job.name for job in NIGHTLY), *(job.name for job in EVERY_MINUTE), SENDING.name)
