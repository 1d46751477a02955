"""Gives members what an occasion brings: judged, booked, noted and told in the one transaction that locks them.

Source: PROGRAMME.md, Occasions. What is in `occasions_granted`, or was granted to the same telephone number, is done.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import automatic_rewards, ledger, messages
from loyalty_engine.services.deployment_secrets import phone_digest
from loyalty_engine.services.jobs.kinds import NIGHT, Counts
from loyalty_engine.services.member_facts import facts_of
from loyalty_engine.services.messages import Wanted
from loyalty_engine.services.occasion_days import Found, Search, found_for
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.voucher_issuing import Issued, issue, reward_in
from loyalty_engine.store import occasions as store
from loyalty_engine.store import survivors
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.occasions import Granted
from loyalty_engine.store.tables.columns import MAX_POINTS_AN_ENTRY
from rules import occasions
from rules.conditions import asks_for_profile
from rules.errors import Conflict
from rules.judging import Test, condition_tests, first_unmet
from rules.occasions import Occurrence
from rules.phrases import Tongue
from rules.programme import NO_TIME, Occasion, PointsGift, RewardGift
from rules.spans import day_ends

KIND: Final = "gift"
"""The kind of entry by which an occasion gives points."""
OCCASION: Final = "occasion"
"""The kind of source of all that an occasion brings, and of a message's cause."""


class Gift(NamedTuple):
    """What is to be given to a member."""

    member_id: str
    occurrence: Occurrence
    through: date


@dataclass(slots=True)
class _Giving:
    """One transaction's work on some members."""

    connection: sa.Connection
    search: Search
    at: datetime
    counts: Counter[str] = field(default_factory=Counter)
    wanted: list[Wanted] = field(default_factory=list)

    @property
    def occasion(self) -> Occasion:
        return self.search.occasion


def give(connection: sa.Connection, search: Search, at: datetime, ids: Sequence[str]) -> Counts:
    """Give what falls on the day of these members, booked at `at`; return what was done.

    Who was merged is whom it went into. Members are locked, in the order of their ids, where something is booked or asked of them; a mere greeting needs no lock,
    for its row and its message are unique.
    """
    giving = _Giving(connection, search, at, Counter(members=len(ids)))
    ids = sorted(set(survivors.among_them(connection, ids).values()))
    if search.occasion.give or search.occasion.needs is not None:
        _locked(giving, ids)
    else:
        _greet(giving, sorted(store.active(connection, ids)))
    planned = messages.plan_messages(connection, search.plan, giving.wanted, clock.now()) if giving.wanted else 0
    giving.counts["messages"] = planned
    return dict(giving.counts)


def _greet(giving: _Giving, ids: Sequence[str]) -> None:
    gifts = list(_due(giving, ids, {}))
    _keep(giving, gifts, {})
    for gift in gifts:
        _tell(giving, gift, {})


def _locked(giving: _Giving, ids: Sequence[str]) -> None:
    posting = Posting(giving.connection, NIGHT, giving.at)
    states = {state.member_id: state for state in (posting.member(one) for one in ids) if state.status == "active"}
    digests = _digests(giving, list(states))
    needs = _needs(giving.search)
    gifts = []
    for gift in _due(giving, list(states), digests):
        state = states[gift.member_id]
        if _meets(giving, state, needs):
            gifts.append(gift)
            _give(giving, posting, state, gift)
    for member_id in {gift.member_id for gift in gifts}:
        automatic_rewards.fill(posting, states[member_id], giving.search.plan, giving.at)
    posting.write()
    _keep(giving, gifts, digests)


def _digests(giving: _Giving, ids: Sequence[str]) -> dict[str, str]:
    """Return what stands for each member's telephone number, where a gift goes by that: not for a tier upgrade.

    Who joins again starts at the bottom, and earns each upgrade anew.
    """
    if not giving.occasion.give or giving.occasion.on == "tier_upgrade":
        return {}
    phones = store.phones(giving.connection, ids)
    return {member_id: phone_digest(giving.connection, phone) for member_id, phone in phones.items()}


def _due(giving: _Giving, ids: Sequence[str], digests: Mapping[str, str]) -> Iterator[Gift]:
    """Yield what these members have not been granted yet."""
    connection, occasion = giving.connection, giving.occasion
    found = found_for(connection, giving.search, ids)
    before = store.granted(connection, ids, occasion.id)
    by_phone = store.granted_to_phones(connection, set(digests.values()), occasion.id) if digests else {}
    for member_id in ids:
        done = [*before.get(member_id, ()), *by_phone.get(digests.get(member_id, ""), ())]
        for one in found.get(member_id, ()):
            if _is_new(occasion, one, done):
                day = one.occurrence.day
                yield Gift(member_id, one.occurrence, occasions.through(occasion.span, day))


def _is_new(occasion: Occasion, found: Found, done: Sequence[Granted]) -> bool:
    number, day, _ = found.occurrence
    if any(one.occurrence == number for one in done):
        return False
    if occasions.is_personal(occasion) and occasions.too_near(day, [one.on_day for one in done]):
        return False
    return occasions.known_long_enough(occasion, found.set_on, day)


def _needs(search: Search) -> tuple[Test, ...]:
    asked = search.occasion.needs
    return () if asked is None else condition_tests(asked, search.plan.views, "needs")


def _meets(giving: _Giving, state: MemberState, needs: tuple[Test, ...]) -> bool:
    """Tell whether a member meets the needs on the occasion's day, whenever that is made up for."""
    asked = giving.occasion.needs
    if asked is None:
        return True
    facts = facts_of(giving.connection, state, giving.search.plan, giving.at, asks_for_profile(asked))
    if first_unmet(needs, facts, giving.search.day) is None:
        return True
    giving.counts["unmet"] += 1
    return False


def _give(giving: _Giving, posting: Posting, state: MemberState, gift: Gift) -> None:
    """Book the points and issue the vouchers, and say what the message tells of them."""
    plan, tongue = giving.search.plan, Tongue(state.language)
    named = source_id(giving.occasion, gift.occurrence)
    told: dict[str, str | int] = {}
    for wallet_id, points in _points(giving.occasion, gift.occurrence).items():
        wallet = plan.programme.wallet(wallet_id)
        source = Source(OCCASION, named, giving.at)
        ledger.grant(posting, state, plan, wallet, points, source, KIND, waits=NO_TIME)
        giving.counts["points"] += points
        if not told:
            told |= {"points": points, "wallet": tongue.name(wallet.name, wallet.id)}
    issued = [_issue(giving, posting, state, gift, place) for place, _ in _rewards(giving.occasion)]
    vouchers = [one for one in issued if one is not None]
    _tell(giving, gift, told | _of_vouchers(giving, tongue, gift, vouchers))


def source_id(occasion: Occasion, occurrence: Occurrence) -> str:
    """Return by what an occasion's gift is known: `birthday:2026`."""
    return f"{occasion.id}:{occurrence.number}"


def _points(occasion: Occasion, occurrence: Occurrence) -> dict[str, int]:
    """Return what is given in each wallet: one entry, whatever it is made of."""
    given: dict[str, int] = {}
    for gift in occasion.give:
        if isinstance(gift, PointsGift):
            times = (occurrence.years or 0) if gift.times_years else 1
            given[gift.wallet] = min(given.get(gift.wallet, 0) + gift.points * times, MAX_POINTS_AN_ENTRY)
    return {wallet: points for wallet, points in given.items() if points}


def _rewards(occasion: Occasion) -> list[tuple[int, RewardGift]]:
    return [(place, gift) for place, gift in enumerate(occasion.give) if isinstance(gift, RewardGift)]


def _issue(giving: _Giving, posting: Posting, state: MemberState, gift: Gift, place: int) -> Issued | None:
    """Issue a voucher; None where the reward is out of stock: the rest of the gift is given nevertheless."""
    one = giving.occasion.give[place]
    assert isinstance(one, RewardGift)
    plan = giving.search.plan
    reward = reward_in(plan.programme, one.reward)
    assert reward is not None, "a document names rewards that it has"
    source = Source(OCCASION, f"{source_id(giving.occasion, gift.occurrence)}:{place}", giving.at)
    try:
        issued = issue(posting, state, plan, reward, source, gift.through)
    except Conflict:
        giving.counts["out_of_stock"] += 1
        return None
    giving.counts["vouchers"] += 1
    return issued


def _of_vouchers(giving: _Giving, tongue: Tongue, gift: Gift, vouchers: Sequence[Issued]) -> dict[str, str | int]:
    if not vouchers:
        return {}
    rewards = {one.id: one for one in giving.search.plan.programme.rewards}
    ends = [one.valid_through for one in vouchers if one.valid_through is not None]
    return {
        "reward": ", ".join(tongue.name(rewards[one.reward].name, one.reward) for one in vouchers),
        "code": ", ".join(one.code for one in vouchers),
        "valid_until": min(ends, default=gift.through).isoformat(),
    }


def _keep(giving: _Giving, gifts: Sequence[Gift], digests: Mapping[str, str]) -> None:
    occasion, rows, by_phone = giving.occasion, [], []
    for member_id, occurrence, through in gifts:
        same: dict[str, Any] = {"occasion_id": occasion.id, "occurrence": occurrence.number}
        times = {"on_day": occurrence.day, "through": through, "granted_at": giving.at}
        rows.append({"member_id": member_id, **same, **times, "version": giving.search.plan.version})
        if member_id in digests:
            by_phone.append({"phone_digest": digests[member_id], **same, "granted_on": occurrence.day})
    store.keep(giving.connection, rows)
    store.keep_for_phones(giving.connection, by_phone)
    giving.counts["granted"] += len(rows)


def _tell(giving: _Giving, gift: Gift, told: Mapping[str, str | int]) -> None:
    occasion, zone = giving.occasion, giving.search.plan.programme.time_zone
    if occasion.message is None:
        return
    places: dict[str, str | int] = {"valid_until": gift.through.isoformat(), **told}
    if gift.occurrence.years is not None:
        places["years"] = gift.occurrence.years
    giving.wanted.append(
        Wanted(
            gift.member_id,
            occasion.message,
            OCCASION,
            source_id(occasion, gift.occurrence),
            places,
            send_by=day_ends(gift.through, zone),
            on=None if occasion.on in ("enrolment", "tier_upgrade") else gift.occurrence.day,
        )
    )
