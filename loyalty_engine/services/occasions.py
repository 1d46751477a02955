"""The days of members' lives as jobs: each night whose day begins, and each minute who has joined or risen a level."""

from collections.abc import Generator
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from loyalty_engine.services import occasion_days, occasion_gifts
from loyalty_engine.services.jobs.kinds import EveryMinute, Job, Night, Step
from loyalty_engine.services.occasion_days import A_DAY, Search
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.voucher_issuing import reward_in
from loyalty_engine.store import job_runs
from loyalty_engine.store.nights import batches
from loyalty_engine.store.session import in_transaction, reading, snapshot
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import Occasion, RewardGift

WELCOME: Final = "welcome"
_AT_ONCE: Final = 200
"""Members in a transaction: a till that waits for one of them waits for half a second at most."""
_LOOKS_BACK: Final = timedelta(minutes=10)
"""What was being committed when the last look was taken is seen by the next one."""


def _steps(night: Night, after: str) -> Generator[Step]:
    """Go through the occasions in the order of the programme, and through the members of each by their ids."""
    today = business_day(night.at, night.plan.programme.time_zone)
    reached, _, last = after.partition("/")
    for place, occasion in enumerate(night.plan.programme.occasions):
        search = occasion_days.of_the_night(night.plan, occasion, night.day, today)
        if search is not None and place >= int(reached or 0):
            begun = last if after and place == int(reached) else None
            yield from _looking(search, night.at, f"{place:03}/", begun)


def _looking(search: Search, at: datetime, position: str, after: str | None) -> Generator[Step]:
    due = occasion_days.whom_to_look_at(search)
    if due is None:
        return
    size = _at_once(search.plan, search.occasion)
    with snapshot() as connection, closing(batches.pages(connection, batches.who(due, after), size)) as pages:
        for ids in pages:
            yield Step(position + ids[-1], len(ids), partial(occasion_gifts.give, search=search, at=at, ids=ids))


def _at_once(plan: Plan, occasion: Occasion) -> int:
    """Return how many members a transaction takes: one where it takes of a stock, for which others wait."""
    rewards = (reward_in(plan.programme, gift.reward) for gift in occasion.give if isinstance(gift, RewardGift))
    return 1 if any(reward is not None and reward.stock is not None for reward in rewards) else _AT_ONCE


def welcome(now: datetime, limit: int) -> int:
    """Give what enrolment and a higher level bring to whoever has come to it since the last look; return how many.

    What was missed, because no worker ran or its clock was wrong, is the next night's.
    """
    with reading() as connection:
        plan = plan_for(connection, now)
        welcoming = [one for one in plan.programme.occasions if one.on in ("enrolment", "tier_upgrade")]
        today = business_day(now, plan.programme.time_zone)
        last = job_runs.last_noted(connection, WELCOME, today) if welcoming else None
    since = max(min(last or now, now), now - A_DAY) - _LOOKS_BACK
    given = 0
    for occasion in welcoming:
        search = Search(plan, occasion, today, today, since)
        for step in _looking(search, now, "", None):
            assert step.work is not None
            given += in_transaction(step.work).get("granted", 0)
    return given


OCCASIONS: Final = Job("occasions", _steps)
WELCOMES: Final = EveryMinute(WELCOME, welcome)
