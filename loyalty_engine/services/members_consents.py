"""What a member says of itself about being written to: every channel and purpose, each with who said it, when and how."""

from datetime import datetime
from typing import NamedTuple

from loyalty_engine import clock
from loyalty_engine.services import members
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.newcomers import CHANNELS, PURPOSES


class Said(NamedTuple):
    """One channel and purpose; all else None where nothing was said."""

    channel: str
    purpose: str
    given: bool | None
    at: datetime | None
    proof: str | None


def said_by_oneself(channel: str, purpose: str, given: bool, how: str) -> GivenConsent:
    """Return a consent that the member gives or takes back now; `how` is its proof."""
    return GivenConsent(channel, purpose, given, clock.now(), f"said by the member, {how}")


def of_member(member_id: str) -> tuple[Said, ...]:
    """Return what a member said about every channel and purpose."""
    there = {(one.channel, one.purpose): one for one in members.find(member_id).consents}
    found = [(channel, purpose, there.get((channel, purpose))) for channel in CHANNELS for purpose in PURPOSES]
    return tuple(
        Said(channel, purpose, one.given, one.at, one.proof) if one else Said(channel, purpose, None, None, None)
        for channel, purpose, one in found
    )
