"""Makes members of people: one at a till, or many thousand from a list, with everything of theirs in one commit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final, Literal

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, card_numbers, known_members, newcomers, races, webhooks
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.imports.sinks import Then, and_then, nothing
from loyalty_engine.services.newcomers import Given, Newcomer, NewMember
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import kept_members
from loyalty_engine.store import members as store
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.kept_members import Kept
from rules import tiers
from rules.errors import Conflict, Forbidden, Refusal
from rules.periods import business_day
from rules.plan import Plan

__all__ = ["Enrolment", "NewMember", "enrol_in", "enrol_many"]

_TABLES: Final = ("members", "profiles", "consents", "cards", "phones", "external_ids", "tier_history")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What became of one: `replayed` says that the member was there already, `refused` that nothing was stored."""

    status: Literal["enrolled", "replayed", "refused"]
    member_id: str | None = None
    cards: tuple[str, ...] = ()
    level: str | None = None
    refusal: Refusal | None = None

    @property
    def code(self) -> str | None:
        return self.refusal.code if self.refusal else None

    @property
    def detail(self) -> str | None:
        return self.refusal.detail if self.refusal else None

    @property
    def wrong(self) -> Mapping[str, Sequence[str]]:
        return self.refusal.errors if self.refusal else {}


def enrol_in(connection: sa.Connection, actor: Actor, new: NewMember) -> Answer:
    """Enrol one member; raises `Invalid`, or `Conflict` with `phone_taken`, `card_taken` or `external_id_taken`.

    A race for a phone or a card is a `Duplicate`: run it again.
    """
    _check_till(actor, new)
    (done,) = _Enrolling(connection, actor).all([new])
    if done.refusal is not None:
        raise done.refusal
    if done.status == "replayed":
        raise Conflict("external_id_taken", f"The external id {new.external_id} belongs to a member already.")
    assert done.member_id is not None
    audit_log.record(connection, actor, "member.enrol", done.member_id)
    found = store.row(connection, done.member_id)
    assert found is not None
    told: dict[str, Any] = {"member_id": done.member_id, "status": found.status, "cards": done.cards}
    told |= {
        "card": done.cards[0],
        "level": found.level,
        "language": found.language,
        "joined_on": found.joined_on.isoformat(),
    }
    return Answer(201, json.dumps(told).encode())


def _check_till(actor: Actor, new: NewMember) -> None:
    """Rules look at segments and attributes: a till must not put a member where it earns more."""
    said = [name for name in ("segments", "attributes") if getattr(new, name)]
    if actor.role == "terminal" and said:
        detail = f"A till doesn't set {' and '.join(said)}: leave that out, or ask staff to enrol the member."
        raise Forbidden("not_at_till", detail, {name: ["is not for tills: leave it out"] for name in said})


def enrol_many(actor: Actor, members: Sequence[Given], then: Then = nothing, compares: bool = False) -> list[Enrolment]:
    """Enrol many in one transaction, each with its own result, in order.

    One whose `source` or `external_id` is there already is `replayed` and left as it is: repeating an import is safe.
    With `compares` so is one without an external id whose card or phone is there, and one that says something else than
    what is here is refused (`member_differs`).
    """

    def work(connection: sa.Connection) -> list[Enrolment]:
        done = _Enrolling(connection, actor, compares).all(members)
        enrolled = sum(one.status == "enrolled" for one in done)
        if enrolled:
            audit_log.record(connection, actor, "member.enrol_many", f"{enrolled} members")
        return done

    return races.run(and_then(work, then))


@dataclass(slots=True)
class _Known:
    """What is taken: in the database, or by an earlier one of the same batch."""

    external_ids: dict[str, str]
    phones: dict[str, str]
    cards: dict[str, str]
    kept: dict[str, Kept] = field(default_factory=dict)
    """What is known of those whom the batch names, where it is compared."""
    fresh: set[str] = field(default_factory=set)

    def by_name(self, new: Newcomer) -> str | None:
        return next((self.external_ids[name] for name in new.names if name in self.external_ids), None)

    def by_number(self, given: Given, new: Newcomer) -> str | None:
        """Return who has the cards and the phone of a row without an id, unless another row of its file brought them."""
        who = {self.phones.get(new.phone)} if new.phone is not None else set()
        who |= {self.cards.get(card) for card in new.cards}
        if given.external_id is not None or len(who) != 1 or (found := who.pop()) is None or found in self.fresh:
            return None
        file = (given.source or "").partition("~")[0]
        return None if any(name.partition("~")[0] == file for name in self.kept[found].names) else found


@dataclass(slots=True)
class _Enrolling:
    """The members that one transaction enrols, and the rows that they become."""

    connection: sa.Connection
    actor: Actor
    compares: bool = False
    now: datetime = field(default_factory=clock.now)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in _TABLES})

    def all(self, members: Sequence[Given]) -> list[Enrolment]:
        """Enrol each member that can be, with its own result."""
        plan = plan_for(self.connection, self.now)
        today = business_day(self.now, plan.programme.time_zone)
        checked = [_checked(given, plan, today) for given in members]
        known = self._known([one for one in checked if isinstance(one, Newcomer)])
        done = [
            self._one(plan, known, given, one) if isinstance(one, Newcomer) else _refused(one)
            for given, one in zip(members, checked, strict=True)
        ]
        store.insert(self.connection, self.rows)
        enrolled = {one["member_id"]: {"change": "enrolled", "level": one["level"]} for one in self.rows["members"]}
        webhooks.emit_members(self.connection, enrolled)
        return done

    def _known(self, good: Sequence[Newcomer]) -> _Known:
        known = _Known(
            store.known_external_ids(self.connection, {name for one in good for name in one.names}),
            store.known_phones(self.connection, {one.phone for one in good if one.phone}),
            store.known_cards(self.connection, {card for one in good for card in one.cards}),
        )
        if self.compares:
            lead_to = (known.external_ids, known.phones, known.cards)
            known.kept = kept_members.load(self.connection, {one for names in lead_to for one in names.values()})
        return known

    def _one(self, plan: Plan, known: _Known, given: Given, new: Newcomer) -> Enrolment:
        there = known.by_name(new) or (known.by_number(given, new) if self.compares else None)
        if there is not None:
            differs = known_members.difference(given, new, known.kept[there]) if self.compares else None
            return Enrolment("refused", there, refusal=differs) if differs else Enrolment("replayed", there)
        if new.phone is not None and new.phone in known.phones:
            detail = "This telephone number belongs to a member already: look the member up by it."
            return _refused(Conflict("phone_taken", detail, {"phone": ["belongs to a member already"]}))
        if not known.cards.keys().isdisjoint(new.cards):
            detail = "This card belongs to a member already: look the member up by it, or hand out another card."
            return _refused(Conflict("card_taken", detail, {"cards": ["belongs to a member already"]}))
        return self._take_in(plan, known, new)

    def _take_in(self, plan: Plan, known: _Known, new: Newcomer) -> Enrolment:
        member_id = new_id()
        cards = new.cards or (card_numbers.generate(),)
        known.external_ids.update(dict.fromkeys(new.names, member_id))
        known.cards.update(dict.fromkeys(cards, member_id))
        self.rows["external_ids"] += [{"external_id": name, "member_id": member_id} for name in new.names]
        self.rows["cards"] += [store.card_row(card, member_id, self.now) for card in dict.fromkeys(cards)]
        if new.phone is not None:
            known.phones[new.phone] = member_id
            self.rows["phones"].append({"phone": new.phone, "member_id": member_id})
        self.rows["profiles"].append({"member_id": member_id, **new.profile})
        said = {(one.channel, one.purpose): one for one in new.consents}
        self.rows["consents"] += [store.consent_row(member_id, one) for one in said.values()]
        level, review_on = self._member(plan, member_id, new)
        if self.compares:
            known.fresh.add(member_id)
            known.kept[member_id] = known_members.as_enrolled(new, review_on)
        return Enrolment("enrolled", member_id, cards, level)

    def _member(self, plan: Plan, member_id: str, new: Newcomer) -> tuple[str | None, date | None]:
        """Add the member's row and its first level with its last day; who was a member before is as old as it says."""
        zone = plan.programme.time_zone
        today = business_day(self.now, zone)
        since_at = self.now if new.joined_on == today else datetime.combine(new.joined_on, time(), zone)
        level, review_on = _first_level(plan, new, today)
        member = {"member_id": member_id, "status": "active", "joined_on": new.joined_on, "enrolled_at": since_at}
        member |= {"time_zone": None, "language": new.language, "level": level, "level_review_on": review_on}
        member |= {"level_since_at": since_at if level else None, "tier_changes": 1 if level else 0}
        self.rows["members"].append(member)
        if level is not None:
            kind = "import" if new.tier else "enrolment"
            change = {"member_id": member_id, "change_no": 1, "level": level, "since_at": since_at}
            change |= {"booked_at": since_at, "review_on": review_on, "metric": None, "version": plan.version}
            change |= {"source_kind": kind, "source_id": member_id, "actor": str(self.actor), "reason": None}
            self.rows["tier_history"].append(change)
        return level, review_on


def _checked(given: Given, plan: Plan, today: date) -> Newcomer | Refusal:
    try:
        return newcomers.checked(given, plan.programme, today)
    except Refusal as refusal:
        return refusal


def _refused(refusal: Refusal) -> Enrolment:
    return Enrolment("refused", refusal=refusal)


def _first_level(plan: Plan, new: Newcomer, today: date) -> tuple[str | None, date | None]:
    """Return the level to begin with, and through which day it is safe: the lowest needs no review."""
    ladder = plan.programme.tiers
    if ladder is None:
        return None, None
    if new.tier is not None:
        return new.tier.level, new.tier.until or tiers.review_on(ladder.window, today, new.joined_on)
    level = tiers.reached(ladder, 0)
    return (level.id if level else None), None
