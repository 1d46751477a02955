"""What becomes of a member's cards: blocked when lost, replaced by another; a number is never given out twice."""

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, card_numbers, checking, webhooks
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.card_numbers import masked
from loyalty_engine.services.checking import Wrong
from loyalty_engine.store import members as store
from loyalty_engine.store.members import Card
from rules.errors import Conflict, NotFound


def block_in(connection: sa.Connection, actor: Actor, number: str, reason: str) -> Card:
    """Let a card work no longer; purchases with it wait for staff. Blocking it again changes nothing."""
    number, why = _checked(number, reason)
    card = _locked(connection, number)
    if card.status == "replaced":
        raise _replaced()
    if card.status == "active":
        store.end_card(connection, number, "blocked", clock.now())
        audit_log.record(connection, actor, "card.block", card.member_id, {"card": masked(number), "reason": why})
        _tell(connection, card.member_id)
    return _found(connection, number)


def replace_in(connection: sa.Connection, actor: Actor, number: str, reason: str, new: str | None = None) -> Card:
    """Give a member the card `new`, or one of our own numbers; the old one works no longer. Return the new one."""
    number, why = _checked(number, reason)
    fresh = card_numbers.generate() if new is None else _checked(new, reason, "new_card")[0]
    card = _locked(connection, number)
    if card.status == "replaced":
        raise _replaced()
    if store.known_cards(connection, [fresh]):
        raise Conflict("card_taken", "The new card belongs to a member already: take another one.")
    now = clock.now()
    store.end_card(connection, number, "replaced", now, fresh)
    store.insert_card(connection, fresh, card.member_id, now)
    told = {"card": masked(number), "by": masked(fresh), "reason": why}
    audit_log.record(connection, actor, "card.replace", card.member_id, told)
    _tell(connection, card.member_id)
    return _found(connection, fresh)


def _tell(connection: sa.Connection, member_id: str) -> None:
    webhooks.emit(connection, member_id, "member", {"change": "changed", "fields": ["cards"]})


def _checked(number: str, reason: str, path: str = "card") -> tuple[str, str]:
    wrong = Wrong()
    why = checking.reason(wrong, "reason", reason)
    try:
        number = card_numbers.normalised(number)
    except card_numbers.BadCard as bad:
        wrong.note(path, str(bad))
    wrong.refuse_any("card_invalid", "The card")
    return number, why


def _locked(connection: sa.Connection, number: str) -> Card:
    """Return a card whose member is locked: so that no two change it at once."""
    store.lock(connection, _found(connection, number).member_id)
    return _found(connection, number)


def _found(connection: sa.Connection, number: str) -> Card:
    card = store.card(connection, number)
    if card is None:
        raise NotFound("unknown_card", "There is no such card.")
    return card


def _replaced() -> Conflict:
    return Conflict("card_replaced", "This card was replaced already; look the member up to see the new one.")
