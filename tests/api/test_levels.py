"""Levels by hand and members at risk, over HTTP: what is refused, what it leads to, who is shown."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import publishing, reviews
from tests import builders
from tests.api.conftest import Shop
from tests.conftest import FrozenClock
from tests.ledger import assert_clean, enrol, rows
from tests.reviews import Member, by_metric, programme, put, stored

TODAY = date(2026, 11, 22)
GIFT = {"level": "gold", "until": "2026-12-31", "reason": "a match of another club's card"}


def put_tier(shop: Shop, role: str = "staff", **changes: Any) -> Any:
    body = {name: value for name, value in (GIFT | changes).items() if value is not ...}
    return shop.callers[role]("PUT", f"/v1/members/{shop.member_id}/tier", json=body)


def night(shop: Shop, day: date) -> dict[str, int]:
    with shop.app.app_context(), clock.frozen(datetime.fromisoformat(f"{day}T00:30:00+08:00")):
        return dict(reviews.review_day(day, 1).outcomes)


def test_a_level_by_hand_lasts_through_its_last_day(frozen_clock: FrozenClock, shop: Shop) -> None:
    answer = put_tier(shop)
    assert (answer.status_code, answer.json) == (
        200,
        {"member_id": shop.member_id, "level": "gold", "by": "manual", "review_on": "2026-12-31"},
    )
    told = shop.staff("GET", f"/v1/members/{shop.member_id}/tier").json
    assert (told["level"], told["manual"], told["review_on"], told["grace_until"]) == ("gold", True, "2026-12-31", None)
    assert told["keep"] == {
        "level": "gold", "missing": 1000, "of": "points:leaves", "by": "2026-12-31", "grace_until": None,
    }  # fmt: skip
    last = told["history"][-1]
    assert (last["because"], last["reason"], last["outcome"]) == ("manual", GIFT["reason"], None)
    assert night(shop, date(2026, 12, 31)) == {}
    assert night(shop, date(2027, 1, 1)) == {"ended": 1}
    told = shop.member("GET", "/v1/me/tier").json
    assert (told["level"], told["manual"], told["keep"]) == ("green", False, None)
    assert told["history"][-1]["reason"].startswith("The level that was given by hand ended on 2026-12-31")
    with shop.app.app_context():
        assert_clean()
        logged = rows("SELECT actor, target, detail FROM audit_log WHERE action = 'member.set_level'")
    assert [(one["actor"].partition(":")[0], one["target"]) for one in logged] == [("staff", shop.member_id)]
    assert GIFT["reason"] in logged[0]["detail"]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"level": "platinum"}, "level_unknown", "level"),
        ({"until": "2026-11-21"}, "until_past", "until"),
        ({"until": ...}, "invalid_fields", "until"),
        ({"until": None}, "invalid_fields", "until"),
        ({"level": None}, "invalid_fields", "until"),
        ({"level": ...}, "invalid_fields", "level"),
        ({"level": 1}, "invalid_fields", "level"),
        ({"until": "31.12.2026"}, "invalid_fields", "until"),
        ({"reason": ...}, "invalid_fields", "reason"),
        ({"reason": " "}, None, "reason"),
        ({"note": "x"}, "invalid_fields", "note"),
    ],
)
def test_what_is_no_level_by_hand_is_refused(
    frozen_clock: FrozenClock, shop: Shop, changes: Any, code: str | None, field: str
) -> None:
    answer = put_tier(shop, **changes)
    assert answer.status_code == 422
    assert field in answer.json["errors"]
    assert code is None or answer.json["code"] == code
    if code == "level_unknown":
        assert answer.json["errors"]["level"] == ["must be one of green, gold"]
    assert shop.staff("GET", f"/v1/members/{shop.member_id}/tier").json["level"] == "green"


def test_a_level_by_hand_may_end_today(frozen_clock: FrozenClock, shop: Shop) -> None:
    assert put_tier(shop, until="2026-11-22").status_code == 200
    assert night(shop, TODAY + timedelta(days=1)) == {"ended": 1}


def test_the_same_level_again_changes_nothing(frozen_clock: FrozenClock, shop: Shop) -> None:
    first = put_tier(shop)
    assert put_tier(shop, reason="again").json == first.json
    with shop.app.app_context():
        assert rows("SELECT tier_changes FROM members") == [{"tier_changes": 2}]
    assert put_tier(shop, until="2027-01-31").json["review_on"] == "2027-01-31"
    key = {"Idempotency-Key": "k1"}
    path, body = f"/v1/members/{shop.member_id}/tier", GIFT | {"until": "2027-02-28"}
    answers = [shop.staff("PUT", path, json=body, headers=key) for _ in range(2)]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert answers[0].data == answers[1].data


def test_a_level_by_hand_can_be_ended_early(frozen_clock: FrozenClock, shop: Shop) -> None:
    ending: dict[str, Any] = {"level": None, "until": ..., "reason": "given to the wrong member"}
    refused = put_tier(shop, **ending)
    assert (refused.status_code, refused.json["code"]) == (409, "level_not_manual")
    put_tier(shop)
    answer = put_tier(shop, **ending)
    assert (answer.json["level"], answer.json["by"], answer.json["review_on"]) == ("green", "metric", None)
    with shop.app.app_context():
        assert_clean()


def test_a_purchase_raises_above_a_level_by_hand(frozen_clock: FrozenClock, shop: Shop) -> None:
    from tests.api.conftest import line, purchase

    put_tier(shop, level="green")
    big = purchase(lines=[line("1", amount="1005.00", discount="0.00", tax="0.00")], tenders=[], order_discount="5.00")
    assert shop.terminal("POST", "/v1/purchases", json=big).json["tier"]["level"] == "gold"
    with shop.app.app_context():
        assert stored(shop.member_id).by == "metric"
        assert_clean()


def test_whoever_is_not_there_has_no_level(frozen_clock: FrozenClock, shop: Shop) -> None:
    path = "/v1/members/01a2b3c4-0000-7000-8000-000000000000/tier"
    assert shop.staff("PUT", path, json=GIFT).status_code == 404


def test_staff_of_one_merchant_give_no_levels_of_the_whole_programme(frozen_clock: FrozenClock, shop: Shop) -> None:
    made = shop.admin("POST", "/v1/tokens", json={"role": "staff", "name": "s", "merchant_id": "tea-house"})
    assert made.status_code == 201, made.json
    headers = {"Authorization": f"Bearer {made.json['token']}"}
    for method, path in (("PUT", f"/v1/members/{shop.member_id}/tier"), ("GET", "/v1/members/at-risk")):
        answer = shop.nobody(method, path, headers=headers, json=GIFT if method == "PUT" else None)
        assert answer.json["code"] == "other_merchant"


# Members at risk


@pytest.fixture
def people(frozen_clock: FrozenClock, app: Flask) -> list[Member]:
    """Gold members (from 5 visits) whose reviews come before, in and after the next 30 days, with 4 or 5 visits."""
    from tests.ledger import open_shop

    open_shop(programme([("green", 0), ("gold", 5)], {"rolling": "12 months"}, "10 days"), members=0)
    bought = TODAY - timedelta(days=100)
    places = [(-1, 4), (0, 4), (0, 5), (30, 4), (30, 5), (31, 4)]
    return put(
        "visits", [Member(by_metric("gold", TODAY + timedelta(days=day)), {bought: sum_}) for day, sum_ in places]
    )


def test_members_at_risk_are_those_who_miss_something_in_time(people: list[Member]) -> None:
    from loyalty_engine.services import at_risk

    found = at_risk.page(builders.ADMIN, 30, None, 10)
    assert [one["member_id"] for one in found["members"]] == [people[1].member_id, people[3].member_id]
    assert found["next"] is None
    assert found["members"][1] == {
        "member_id": people[3].member_id, "level": "gold", "manual": False, "in_grace": False, "missing": 1,
        "of": "visits", "by": "2026-12-22", "grace_until": "2027-01-01",
    }  # fmt: skip


def test_only_the_window_that_will_be_looked_at_counts(people: list[Member]) -> None:
    from loyalty_engine.services import at_risk

    last = TODAY + timedelta(days=30)
    inside, before = date(2025, 12, 23), date(2025, 12, 22)
    one, other = put("visits", [Member(by_metric("gold", last), {day: 5}) for day in (inside, before)])
    ids = [found["member_id"] for found in at_risk.page(builders.ADMIN, 30, None, 10)["members"]]
    assert other.member_id in ids
    assert one.member_id not in ids


def test_pages_hold_everybody_once(people: list[Member], monkeypatch: pytest.MonkeyPatch) -> None:
    from loyalty_engine.services import at_risk

    put("visits", [Member(by_metric("gold", TODAY + timedelta(days=5)), {}) for _ in range(7)])
    whole = [one["member_id"] for one in at_risk.everybody(builders.ADMIN, 30)]
    assert len(whole) == len(set(whole)) == 9
    monkeypatch.setattr(at_risk, "_LOOKED_AT_ONCE", 2)
    monkeypatch.setattr(at_risk, "_LOOKS_A_PAGE", 2)
    for limit in (1, 2, 3, 100):
        found: list[str] = []
        cursor = None
        while True:
            page = at_risk.page(builders.ADMIN, 30, cursor, limit)
            assert len(page["members"]) <= limit
            found += [one["member_id"] for one in page["members"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert found == whole


def test_who_is_suspended_or_in_a_programme_that_lowers_nobody_is_not_at_risk(people: list[Member]) -> None:
    from loyalty_engine.services import at_risk

    publishing.publish(
        builders.ADMIN, programme([("green", 0), ("gold", 5)], {"rolling": "12 months"}, steps="never"), None, "kind"
    )
    assert at_risk.page(builders.ADMIN, 30, None, 10)["members"] == []


def test_at_risk_over_http(frozen_clock: FrozenClock, shop: Shop) -> None:
    put_tier(shop)
    found = shop.marketer("GET", "/v1/members/at-risk?within_days=39&limit=5").json
    assert [one["member_id"] for one in found["members"]] == [shop.member_id]
    assert found["members"][0]["manual"] is True
    assert shop.analyst("GET", "/v1/members/at-risk?within_days=38").json["members"] == []
    for query in ("within_days=0", "within_days=367", "within_days=x", "limit=0", "cursor=zz", "who=me"):
        assert shop.staff("GET", f"/v1/members/at-risk?{query}").status_code == 422, query


def test_the_next_level_of_a_year_has_a_last_day(frozen_clock: FrozenClock, app: Flask) -> None:
    from loyalty_engine.services import balances
    from tests.ledger import open_shop

    for window, by in (
        ({"calendar": "year"}, "2026-12-31"),
        ({"membership": "year"}, "2027-11-21"),
        ("lifetime", None),
    ):
        open_shop(programme([("green", 0), ("gold", 5)], window), members=0)
        told = balances.tier(enrol())
        assert told["next"] == {"level": "gold", "missing": 5, "of": "visits", "by": by}
        assert told["keep"] is None
