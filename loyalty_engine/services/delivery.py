"""Takes what a gateway tells of a message by itself: in any order, twice, late, and before we have written down our own part."""

from datetime import timedelta
from functools import partial
from typing import Final

from loyalty_engine import clock
from loyalty_engine.channels.twilio_words import status_of
from loyalty_engine.store import message_sending as store
from loyalty_engine.store.session import in_transaction

OLDEST: Final = timedelta(days=7)
"""What has been as it is for longer is over, whatever is told of it: a gateway tries for hours."""
_REASONS: Final = {"failed": "not_sent", "undelivered": "not_delivered"}


def told(member_id: str, message_id: str, word: str, provider_id: str | None, error: str | None) -> bool:
    """Let a message rise to the status that Twilio's `word` means; False where nothing rose, which is no error.

    A message that isn't there, a status that it is past, and a word that is none of ours change nothing.
    """
    status = status_of(word)
    if status is None:
        return False
    now = clock.now()
    work = partial(
        store.raise_to,
        member_id=member_id,
        message_id=message_id,
        status=status,
        provider_id=provider_id,
        error=error,
        reason=_REASONS.get(status),
        since=now - OLDEST,
        now=now,
    )
    return in_transaction(work) > 0
