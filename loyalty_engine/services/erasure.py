"""A member leaves: nothing personal stays, nothing is owed, and the ledger still adds up.

docs/decisions/0067-what-an-erasure-leaves.md says what goes, what stays, and why.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import (
    audit_log,
    held_redemptions,
    phone_codes,
    reasons,
    tokens,
    voucher_cancelling,
    voucher_states,
    webhooks,
)
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.forfeiting import forfeit
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.members import GONE, current_id, no_member
from loyalty_engine.services.messages import nobody
from loyalty_engine.services.phone_codes import Right
from loyalty_engine.services.posting import Posting
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_documents import encode_json, encode_reference
from loyalty_engine.store import members, personal, redemptions, survivors
from loyalty_engine.store import phone_codes as code_store
from loyalty_engine.store import vouchers as voucher_store
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.session import in_transaction
from loyalty_engine.store.vouchers import Place

OWN_WISH: Final = "the member asked for it"


def erase(actor: Actor, member_id: str, reason: str, right: Right | None = None) -> Answer:
    """Erase a member in a transaction of its own. See `erase_in`."""
    return in_transaction(partial(erase_in, actor=actor, member_id=member_id, reason=reason, right=right))


def erase_in(
    connection: sa.Connection, actor: Actor, member_id: str, reason: str, right: Right | None = None
) -> Answer:
    """Erase a member for good, using up the code that proves it is wanted, and answer with what was forfeited.

    Holds are released and vouchers cancelled first. Raises `NotFound` for one who is gone already.
    """
    actor.check_everywhere()
    why, now = reasons.why(reason), clock.now()
    plan = plan_for(connection, now)
    posting = Posting(connection, actor, now)
    state = posting.member(current_id(connection, member_id))
    if state.status in GONE:
        raise no_member()
    if right is not None:
        phone_codes.use(connection, right)
    for held in redemptions.held_of(connection, state.member_id):
        held_redemptions.release(posting, state, held)
    cancelled = _cancel_vouchers(connection, state)
    points = forfeit(posting, state, plan, why)
    posting.write()
    _forget(connection, state.member_id)
    told: dict[str, Any] = {"reason": why, "points": points, "vouchers": cancelled}
    audit_log.record(connection, actor, "member.erase", state.member_id, told)
    webhooks.emit(connection, state.member_id, "member", {"change": "erased"})
    return Answer(200, _body(state.member_id, points, cancelled))


def _cancel_vouchers(connection: sa.Connection, state: MemberState) -> int:
    """Cancel what can still be used; what it cost does not come back, for it would be forfeited at once."""
    values = {"status": "cancelled", "held_until": None, "lines": None, "ended_at": clock.now(), "reason": "erased"}
    cancelled = 0
    while found := voucher_store.usable(connection, state.member_id):
        for row in found:
            place = Place(state.member_id, row["voucher_id"])
            ended = voucher_states.change(connection, place, ("issued", "held"), values)
            assert ended, "the member is locked, and the voucher was there"
            first = voucher_store.first_issued(connection, row)
            voucher_cancelling.uncount(connection, state.member_id, first)
            cancelled += 1
    return cancelled


def _forget(connection: sa.Connection, member_id: str) -> None:
    """Forget the person, also under the ids of members that were merged into this one."""
    now, named = clock.now(), names(connection, member_id)
    for phone in members.phones_of(connection, member_id):
        code_store.drop(connection, phone)
        personal.cancel_messages(connection, nobody(connection, phone), now)
    personal.forget_named(connection, named)
    tokens.revoke_members(connection, member_id)
    for card in members.cards_of(connection, member_id):
        members.end_card(connection, card.number, "blocked", now)
    for one in survivors.family(connection, member_id):
        personal.erase(connection, one, now)
    members.change_member(connection, member_id, {"status": "erased"})


def names(connection: sa.Connection, member_id: str) -> list[str]:
    """Return how tills may have named a member, as it stands with purchases that wait for staff."""
    found = [MemberReference(member_id=one) for one in survivors.family(connection, member_id)]
    found += [MemberReference(card=card.number) for card in members.cards_of(connection, member_id)]
    found += [MemberReference(phone=phone) for phone in members.phones_of(connection, member_id)]
    return [text for one in found if (text := encode_reference(one))]


def _body(member_id: str, points: Mapping[str, int], cancelled: int) -> bytes:
    forfeited = [{"wallet": wallet, "points": figure} for wallet, figure in points.items()]
    told = {"member_id": member_id, "status": "erased", "points": forfeited, "vouchers": cancelled}
    return encode_json(told).encode()
