"""Sends a member the one-time code that a till asks for, when more points are used than the programme lets go unproved."""

from datetime import timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import door_caps, one_time_codes
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.messages import plan_code
from loyalty_engine.services.one_time_codes import GOOD_FOR, REDEMPTION
from loyalty_engine.services.phone_codes import is_served
from loyalty_engine.services.phones import takes_sms
from loyalty_engine.services.points_redemptions import check_active
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.settings import settings
from loyalty_engine.store import member_state
from loyalty_engine.store import members as member_store
from loyalty_engine.store import messages as store
from loyalty_engine.store.ids import new_id
from rules.errors import Conflict, NotFound

AN_HOUR: Final = 5
"""So many codes a member is sent within an hour: each costs money, and rings somebody's telephone."""
CAUSE: Final = "code"
_MINUTES: Final = int(GOOD_FOR.total_seconds()) // 60


class Sent(NamedTuple):
    """That a code is on its way, and for how long it is good."""

    member_id: str
    channel: str
    minutes: int


def send_in(connection: sa.Connection, actor: Actor, member_id: str) -> Sent:
    """Make a code for a redemption in the place of an earlier one, and send it to the member's telephone.

    Raises `NotFound`, and `Conflict`: `no_phone`, `codes_too_many`, or a member whose points can't be used; and `TooMany`
    over one of the caps that the members' own door has too.
    """
    now = clock.now()
    state = member_state.lock(connection, member_id)
    while state.merged_into is not None:
        state = member_state.lock(connection, state.merged_into)
    if state.status == "erased":
        raise NotFound("member_not_found", "There is no such member.")
    check_active(state)
    profile = member_store.profile(connection, state.member_id)
    phone = profile.phone if profile else None
    programme = plan_for(connection, now).programme
    if phone is None or not takes_sms(phone) or not is_served(phone, programme, settings()):
        said = {"proof.token": ["scan the token that the member's page shows"]}
        raise Conflict("no_phone", "The member has no telephone that a code could be sent to.", said)
    if store.causes_since(connection, state.member_id, CAUSE, REDEMPTION, now - timedelta(hours=1)) >= AN_HOUR:
        raise Conflict("codes_too_many", f"{AN_HOUR} codes were sent within the hour: use the last one, or wait.")
    door_caps.take(connection, settings(), phone, actor.token_id, now, is_till=True)
    code = one_time_codes.make(connection, state.member_id, REDEMPTION)
    plan_code(
        connection,
        programme,
        phone=phone,
        member_id=state.member_id,
        language=state.language,
        code=code,
        minutes=_MINUTES,
        cause_id=f"{REDEMPTION}/{new_id()}",
        now=now,
    )
    return Sent(state.member_id, "sms", _MINUTES)
