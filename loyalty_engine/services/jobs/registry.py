"""Every job by its name: those of the night in their order, those of every minute, and those that a worker does by itself."""

from typing import Final

from loyalty_engine.services import (
    dispatch,
    gateways,
    message_stopping,
    occasions,
    reconciliation,
    redemptions,
    voucher_endings,
    webhook_delivery,
    webhooks,
)
from loyalty_engine.services.jobs import cards, levels, lots, tidy
from loyalty_engine.services.jobs.kinds import EveryMinute, Job, by_calls
from loyalty_engine.store.ids import new_id

NIGHTLY: Final[tuple[Job, ...]] = (
    lots.PENDING,
    lots.NOTICES,
    lots.EXPIRY,
    by_calls("vouchers", voucher_endings.expire_due),
    levels.REVIEWS,
    cards.CARDS,
    occasions.OCCASIONS,
    tidy.TIDY,
)
"""Points become available before they lapse, and are noticed before that; what lapsed, or is for another level than the
reviewed one, fills no card."""

SENDING: Final = EveryMinute(
    "send",
    lambda now, limit: dispatch.send_due(new_id(), limit),
    standing=lambda: {f"circuit of {channel} open": 1 for channel in gateways.open_circuits()},
    by_itself=True,
)
RECONCILING: Final = EveryMinute("reconcile", reconciliation.reconcile, by_itself=True)
WEBHOOKS: Final = EveryMinute(
    "webhooks", webhook_delivery.deliver_due, by_itself=True, is_on=lambda: bool(webhooks.targets())
)

EVERY_MINUTE: Final[tuple[EveryMinute, ...]] = (
    EveryMinute("holds", redemptions.time_out_holds),
    EveryMinute("held-messages", message_stopping.release_unpaused),
    EveryMinute("voucher-holds", voucher_endings.release_held),
    occasions.WELCOMES,
    RECONCILING,
    SENDING,
    WEBHOOKS,
)

NAMES: Final = (*(job.name for job in NIGHTLY), *(job.name for job in EVERY_MINUTE))
