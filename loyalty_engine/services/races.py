"""Runs work again that lost a race for something that must be unique: the second time it sees who won."""

from collections.abc import Callable
from typing import Final, TypeVar

import sqlalchemy as sa

from loyalty_engine.store.session import Duplicate, StillInWork, in_transaction

T = TypeVar("T")

_ATTEMPTS: Final = 3


def run(work: Callable[[sa.Connection], T]) -> T:
    """Run `work` in one transaction; raises `StillInWork` where it loses again and again."""
    for _ in range(_ATTEMPTS):
        try:
            return in_transaction(work)
        except Duplicate:
            continue
    raise StillInWork("still_in_work", "The same thing is being worked on; ask again in a moment.")
