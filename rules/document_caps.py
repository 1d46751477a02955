"""Reads and writes limits on what rules give, and the points for events that are not purchases.

Source: PROGRAMME.md, A whole example, and Accrual, 6.
"""

from typing import Any, Final, Literal

from rules.periods import Period
from rules.programme import Cap, EventCap, EventRule, UntilEvent
from rules.reading import Fields, Place, Reader, choice, each, reference
from rules.reading_times import period
from rules.reading_values import (
    distinct,
    identifier,
    per,
    per_time,
    points,
)

_OVER: Final[Reader[Literal["member", "everyone"]]] = choice("member", "everyone")
_NO_WAIT: Final = Period(0, "days")
_ID_LENGTH: Final = 58
"""Its use is kept under its id and its period's kind, of 64 characters together."""
_PERIOD: Final = period(0)


def cap(place: Place) -> Cap:
    """Read a limit on the points of some rules of one wallet."""
    fields = Fields(place, "a cap")
    found_id, wallet = fields.need("id", identifier), fields.need("wallet", reference("wallet"))
    rules = fields.need("rules", lambda listed: _capped_rules(listed, wallet))
    found_per, most = fields.need("per", per), fields.need("points", points)
    over = fields.may("over", _OVER, None) or "member"
    if found_id and len(found_id) > _ID_LENGTH:
        place.at("id").note(f"{found_id} is too long for a cap", f"write at most {_ID_LENGTH} characters")
    if found_per == "purchase" and over == "everyone":
        place.at("over").note("a purchase has one member: there is no everyone to share the cap", 'leave "over" out')
    fields.close()
    return Cap(found_id, wallet, rules, found_per, most, over)


def _capped_rules(place: Place, wallet: str) -> frozenset[str]:
    found = each(place, reference("rule"))
    for item, rule_id in found:
        its_wallet = place.around.rule_wallets.get(rule_id, "")
        if its_wallet is None:
            item.note(f'"{rule_id}" gives no points that a cap could limit', "leave it out")
        elif wallet and its_wallet != wallet and its_wallet in place.around.names.get("wallet", ()):
            item.note(f'"{rule_id}" gives points of "{its_wallet}", this cap limits "{wallet}"', "leave it out")
    return frozenset(rule_id for _, rule_id in found)


def event_rule(place: Place) -> EventRule:
    """Read what an event that is not a purchase gives."""
    fields = Fields(place, "an event rule")
    found_id, event = fields.need("id", identifier), fields.need("event", identifier)
    wallet, given = fields.need("wallet", reference("wallet")), fields.need("points", points)
    once_per = fields.may("once_per", distinct(identifier, 16), ())
    pending, limit = fields.may("pending", _pending, _NO_WAIT), fields.may("cap", _event_cap, None)
    fields.close()
    return EventRule(found_id, event, wallet, given, once_per, pending, limit)


def _pending(place: Place) -> Period | UntilEvent:
    if not isinstance(place.value, dict):
        return _PERIOD(place)
    fields = Fields(place)
    event = fields.need("until", identifier)
    fields.close()
    return UntilEvent(event)


def _event_cap(place: Place) -> EventCap:
    fields = Fields(place, "{per: year, points: 600}")
    found_per, most = fields.need("per", per_time), fields.need("points", points)
    fields.close()
    return EventCap(found_per, most)


def write_cap(cap: Cap) -> dict[str, Any]:
    """Return the cap as `cap` reads it."""
    written = {"id": cap.id, "wallet": cap.wallet, "rules": sorted(cap.rules), "per": cap.per, "points": cap.points}
    return written | ({"over": cap.over} if cap.over != "member" else {})


def write_event_rule(rule: EventRule) -> dict[str, Any]:
    """Return the event rule as `event_rule` reads it."""
    written: dict[str, Any] = {"id": rule.id, "event": rule.event, "wallet": rule.wallet, "points": rule.points}
    if rule.once_per:
        written["once_per"] = list(rule.once_per)
    if rule.cap is not None:
        written["cap"] = {"per": rule.cap.per, "points": rule.cap.points}
    waits = rule.pending
    return written | {"pending": {"until": waits.event} if isinstance(waits, UntilEvent) else str(waits)}
