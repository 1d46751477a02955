"""Every job by its name: those of the night in their order, and those of every minute."""

from typing import Final

from loyalty_engine.services import redemptions, voucher_endings, webhook_delivery, webhooks
from loyalty_engine.services.jobs import levels, lots, tidy
from loyalty_engine.services.jobs.kinds import EveryMinute, Job, by_calls

NIGHTLY: Final[tuple[Job, ...]] = (
    lots.PENDING,
    lots.NOTICES,
    lots.EXPIRY,
    by_calls("vouchers", voucher_endings.expire_due),
    levels.REVIEWS,
    tidy.TIDY,
)
"""Points become available before they lapse, and are noticed before that."""

EVERY_MINUTE: Final[tuple[EveryMinute, ...]] = (
    EveryMinute("holds", redemptions.time_out_holds),
    EveryMinute("voucher-holds", voucher_endings.release_held),
    EveryMinute("webhooks", webhook_delivery.deliver_due, by_itself=True, is_on=lambda: bool(webhooks.targets())),
)

NAMES: Final = (*(job.name for job in NIGHTLY), *(job.name for job in EVERY_MINUTE))
