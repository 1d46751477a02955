"""Takes events that are not purchases: each once, whoever sends it again, with what the programme's rules give for it.

Source: PROGRAMME.md, A whole example (`events`); API.md, Members. The event's id is the sender's, unique for a member.
"""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import automatic_rewards, event_documents, ledger
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.auditing.personal import personal_in
from loyalty_engine.services.event_documents import Awaited, decode_awaits, encode_awaits
from loyalty_engine.services.member_lots import lots_of
from loyalty_engine.services.members import checked_id, no_member
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_answers import balances
from loyalty_engine.services.purchase_documents import encode_json
from loyalty_engine.store import member_events as store
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.session import in_transaction
from rules.errors import Conflict, Invalid
from rules.events import Event, Given, cap_limit, decide, once_key, rules_for
from rules.periods import business_day, period_start
from rules.plan import Plan
from rules.programme import NO_TIME, EventRule, UntilEvent

EVENT = "event"
"""The kind of source of what an event gave: the id is `<event's id>/<rule>`."""


def post(actor: Actor, member_id: str, event: Event) -> Answer:
    """Take one event in a transaction of its own. See `post_in`."""
    return in_transaction(partial(post_in, actor=actor, member_id=member_id, event=event))


def post_in(connection: sa.Connection, actor: Actor, member_id: str, event: Event) -> Answer:
    """Take one event: 201 with what each rule gave or why not, 200 with the first answer for a repetition.

    Raises `Invalid` for another event under an id that is taken, and `Conflict` for a member who isn't active.
    """
    named = checked_id(member_id)
    _check_facts(event)
    posting = Posting(connection, actor, clock.now())
    state = posting.member(named)
    if state.status == "erased":
        raise no_member()
    known = store.find(connection, (named, state.member_id), event.event_id)
    if known is not None:
        return _again(known, event)
    if state.status != "active":
        raise Conflict("member_not_active", f"The member is {state.status}; resume the member, then send this again.")
    plan = plan_for(connection, event.occurred_at)
    matured = _mature(posting, state, plan, named, event)
    given = [_decided(connection, state, plan, rule, event) for rule in rules_for(plan.programme, event)]
    told = [_give(posting, state, plan, one, event) for one in given]
    automatic_rewards.fill(posting, state, plan, event.occurred_at)
    body = _body(state, plan, event, told, matured)
    posting.write()
    _keep(posting, state, plan, event, given, told, body)
    return Answer(201, body)


def _check_facts(event: Event) -> None:
    """An event outlives an erasure, so it may not say who somebody is."""
    if what := personal_in(event_documents.encode(event)):
        said = {"facts": ["leave telephone numbers and mail addresses out: the member is named by the address"]}
        raise Invalid("facts_personal", f"The facts hold {what}; they would stay for ever.", said)


def _again(known: store.Values, event: Event) -> Answer:
    if known["fingerprint"] != event_documents.fingerprint(event):
        said = {"event_id": ["give a new event its own id; send a repetition unchanged"]}
        raise Invalid("event_differs", f"Event {event.event_id} came before with other content.", said)
    return Answer(200, known["answer"].encode(), replayed=True)


def _decided(connection: sa.Connection, state: MemberState, plan: Plan, rule: EventRule, event: Event) -> Given:
    key = once_key(rule, event.facts) if rule.once_per else None
    used = {key} if key is not None and store.is_used(connection, state.member_id, rule.id, key) else set()
    room = None
    if rule.cap is not None:
        limit, start = cap_limit(rule.id, rule.cap), _period(plan, rule, event)
        room = rule.cap.points - store.limit_used(connection, state.member_id, limit, start)
    return decide(rule, event, used, room)


def _period(plan: Plan, rule: EventRule, event: Event) -> date:
    assert rule.cap is not None, "only caps have periods"
    return period_start(rule.cap.per, business_day(event.occurred_at, plan.programme.time_zone))


def _give(posting: Posting, state: MemberState, plan: Plan, given: Given, event: Event) -> dict[str, Any]:
    """Book what a rule gave, pending as the rule says, and return it as it is told."""
    rule = given.rule
    told: dict[str, Any] = {"rule": rule.id, "wallet": rule.wallet, "points": given.points, "pending": 0}
    if given.because is not None:
        told["because"] = given.because
    if given.points == 0:
        return told
    waits = rule.pending
    if isinstance(waits, UntilEvent) and _has_come(posting.connection, state, event.event_id, waits):
        waits = NO_TIME
    source = Source(EVENT, f"{event.event_id}/{rule.id}", event.occurred_at)
    wallet = plan.programme.wallet(rule.wallet)
    booked = ledger.grant(posting, state, plan, wallet, given.points, source, waits=waits)
    return told | {"pending": booked.pending}


def _has_come(connection: sa.Connection, state: MemberState, event_id: str, waits: UntilEvent) -> bool:
    """Tell whether the event that points would wait for was here first."""
    named = store.facts_of_named(connection, state.member_id, waits.event)
    return any(event_documents.about(facts) == event_id for facts in named)


def _mature(posting: Posting, state: MemberState, plan: Plan, named: str, event: Event) -> list[dict[str, Any]]:
    """Make available what waited for this event, and return it as it is told."""
    first = store.find(posting.connection, (state.member_id, named), event.of) if event.of is not None else None
    if first is None:
        return []
    awaited = decode_awaits(first["awaits"])
    due = [one for one in awaited if one.event == event.event]
    told = []
    for rule, wallet, _ in due:
        source_id = f"{event.of}/{rule}"
        for one in list(lots_of(posting, state, wallet).values()):
            if (one.source_kind, one.source_id, one.lot.state) == (EVENT, source_id, "pending"):
                source = Source("maturity", one.lot.lot_id, event.occurred_at)
                ledger.mature(posting, state, plan, wallet, one.lot, source)
                told.append({"rule": rule, "wallet": wallet, "points": one.lot.remaining})
    if due:
        left = encode_awaits([one for one in awaited if one not in due])
        store.set_awaits(posting.connection, first["member_id"], first["event_id"], left)
    return told


def _body(
    state: MemberState, plan: Plan, event: Event, told: Sequence[dict[str, Any]], matured: Sequence[dict[str, Any]]
) -> bytes:
    answer = {
        "event_id": event.event_id,
        "member_id": state.member_id,
        "event": event.event,
        "points": told,
        "matured": matured,
        "balances": balances(plan.programme, state.accounts),
        "programme_version": plan.version,
    }
    return encode_json(answer).encode()


def _keep(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    event: Event,
    given: Sequence[Given],
    told: Sequence[dict[str, Any]],
    body: bytes,
) -> None:
    """Keep the event with its answer, what it used up, and what waits for another event."""
    waits = [
        Awaited(one.rule.id, one.rule.wallet, one.rule.pending.event)
        for one, said in zip(given, told, strict=True)
        if isinstance(one.rule.pending, UntilEvent) and said["pending"]
    ]
    values = {
        "member_id": state.member_id,
        "event_id": event.event_id,
        "event": event.event,
        "fingerprint": event_documents.fingerprint(event),
        "occurred_at": event.occurred_at,
        "booked_at": posting.booked_at(state, event.occurred_at),
        "facts": event_documents.encode(event),
        "awaits": encode_awaits(waits),
        "answer": body.decode(),
    }
    connection = posting.connection
    store.insert(connection, values)
    for one in given:
        if one.once_key is not None:
            store.use_up(connection, state.member_id, one.rule.id, one.once_key, event.event_id)
        if one.rule.cap is not None and one.points:
            limit, start = cap_limit(one.rule.id, one.rule.cap), _period(plan, one.rule, event)
            store.use_limit(connection, state.member_id, limit, start, one.points)
