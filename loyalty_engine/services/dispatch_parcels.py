"""Turns messages that are claimed into what is handed over: texts for those that can be sent now, reasons for the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine.channels import Outgoing, digest_of
from loyalty_engine.services.gateways import Gateway
from loyalty_engine.services.message_texts import Composed, Unsendable, composed
from loyalty_engine.store import message_sending as store
from loyalty_engine.store.message_sending import Change
from loyalty_engine.store.messages import Message

LEASE: Final = timedelta(minutes=5)
"""How long a worker has for a page. Far longer than its calls take: only one that hangs or is dead loses it."""
NOT_IN_LIST: Final = "not_in_test_list"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One text on its way, and the messages that it says."""

    outgoing: Outgoing
    says: tuple[Message, ...]
    claim: str
    lease_until: datetime

    @property
    def key(self) -> tuple[str, str]:
        """Where it stands in the order of claiming."""
        return self.outgoing.member_id, self.outgoing.message_id

    @property
    def first_at(self) -> tuple[bool, datetime]:
        """Where it stands in the order of sending: codes first."""
        return self.says[0].purpose != "code", self.says[0].send_at


def packed(
    connection: sa.Connection, rows: Sequence[Message], gateway: Gateway, claim: str, now: datetime
) -> list[Parcel]:
    """Return the texts of a group; what can't be sent gets its reason, and what did not fit into one goes into the next."""
    parcels: list[Parcel] = []
    left = list(rows)
    while left:
        found = composed(connection, left, now)
        if isinstance(found, Composed) and not gateway.may_reach(found.to):
            found = Unsendable(NOT_IN_LIST)
        if isinstance(found, Unsendable):
            _put_aside(connection, left.pop(0), found, claim, now)
            continue
        for row in left:
            if row.message_id in found.apart:
                _put_aside(connection, row, found.apart[row.message_id], claim, now)
        parcels.append(_parcel(connection, [row for row in left if row.message_id in found.says], found, claim, now))
        left = [row for row in left if row.message_id not in found.says and row.message_id not in found.apart]
    return parcels


def _parcel(connection: sa.Connection, says: Sequence[Message], found: Composed, claim: str, now: datetime) -> Parcel:
    lead = found.says[0]
    member_id, is_code = says[0].member_id, says[0].purpose == "code"
    # Whoever reads the table could try out the digest of a code; it is never asked for by its text.
    store.mark(connection, member_id, found.says, claim, found.segments, None if is_code else digest_of(found.text))
    outgoing = Outgoing(member_id, lead, found.to, found.text, found.subject or "")
    return Parcel(outgoing, tuple(says), claim, now + LEASE)


def _put_aside(connection: sa.Connection, row: Message, why: Unsendable, claim: str, now: datetime) -> None:
    new = Change(why.status, why.reason, send_at=why.again_at, counted=False)
    store.change(connection, row.member_id, row.message_id, claim, new, now)
