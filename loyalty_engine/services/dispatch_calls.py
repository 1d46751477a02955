"""Asks a gateway for one text, once: after its turn in the rate, and not if the lease is nearly over or the gateway away."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from structlog.typing import FilteringBoundLogger

from loyalty_engine import clock
from loyalty_engine.channels import Ambiguous, Outcome, Refused
from loyalty_engine.services.dispatch_parcels import Parcel
from loyalty_engine.services.gateways import Gateway

LONGEST_CALL: Final = timedelta(minutes=1)
"""What a call takes at most, with room to spare; a lease that ends sooner is left to end."""


@dataclass(frozen=True, slots=True)
class NotCalled:
    """The gateway was not asked, which is certain; `wait_seconds` until it may be."""

    wait_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Called:
    """What became of a parcel."""

    parcel: Parcel
    outcome: Outcome | NotCalled


class Caller:
    """Calls the gateway from several threads."""

    def __init__(self, gateway: Gateway, stopping: Callable[[], bool], log: FilteringBoundLogger) -> None:
        self._gateway, self._stopping, self._log = gateway, stopping, log

    def call(self, parcel: Parcel) -> Called:
        """Hand one parcel over."""
        return Called(parcel, self._outcome(parcel))

    def _outcome(self, parcel: Parcel) -> Outcome | NotCalled:
        breaker = self._gateway.breaker
        if not self._gateway.bucket.take(self._stopping):
            return NotCalled()
        if clock.now() > parcel.lease_until - LONGEST_CALL:
            return NotCalled()
        if not breaker.lets_through():
            return NotCalled(breaker.wait_seconds)
        outcome = self._asked(parcel)
        if _says_away(outcome):
            breaker.failed(outcome.retry_after if isinstance(outcome, Refused) else None)
        else:
            breaker.answered()
        return outcome

    def _asked(self, parcel: Parcel) -> Outcome:
        try:
            return self._gateway.channel.send(parcel.outgoing)
        except Exception as error:  # noqa: BLE001 - whatever broke, the text may be on its way
            self._log.error("bug", kind=type(error).__qualname__, at="send", channel=self._gateway.name)
            return Ambiguous("bug")


def _says_away(outcome: Outcome) -> bool:
    if isinstance(outcome, Refused):
        return not (outcome.permanent or outcome.of_address)
    return isinstance(outcome, Ambiguous)
