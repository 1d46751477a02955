"""A member leaves: nothing personal is left anywhere, points and debts are gone by entries, and the audit stays clean."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import (
    erasure,
    exporting,
    member_changes,
    member_tokens,
    members,
    merging,
    messages,
    phone_codes,
    reward_redemptions,
    sessions,
    tokens,
)
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.auditing import audit
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.intake import MemberReference, RedemptionRequest
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import personal
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import metadata
from rules.errors import Refusal
from rules.facts import Birthday
from tests.builders import STAFF, done, publish
from tests.conftest import FrozenClock
from tests.ledger import (
    REWARDED,
    assert_clean,
    enrol,
    line,
    open_shop,
    post,
    redeem,
    said,
    sold,
    take_return,
)
from tests.occasions import A_DAY, ANN, DAY, LONG_AGO, WELCOME, club, granted, join, night, noon, tick
from tests.webhooks import target

PHONE, CARD = "+8613800138000", "6300000000000012"
sqlite = pytest.mark.parametrize("application", ["sqlite"], indirect=True)

pytestmark = pytest.mark.usefixtures("app", "frozen_clock")


def a_whole_life() -> str:
    """A member with something in nearly every table: points, pending, a hold, a voucher, messages, sessions."""
    open_shop(REWARDED, 0)
    ann = enrol(
        cards=(CARD,),
        phone=PHONE,
        name="Ann Li",
        email="ann@example.com",
        external_id="crm-1",
        birthday=Birthday(8, 15, 1990),
        consents=(GivenConsent("sms", "marketing", True, clock.now(), "on paper"),),
    )
    old = enrol(name="Ann's other card")
    merging.merge(STAFF, old, ann, "one person")
    post(sold("p1", ann, line(amount=40_000), receipt="r1"))
    post(sold("p2", None, line(), card="6300000000000020", receipt="r2"))
    redeem(ann, 50)
    redeem(ann, 20, capture=False)
    done(reward_redemptions.redeem, STAFF, RedemptionRequest(MemberReference(member_id=ann), reward="five-off"))
    tokens.for_member(STAFF, ann)
    member_tokens.show(ann)
    now = clock.now()
    dates = metadata.tables["member_dates"].insert()
    wedding = {"name": "wedding", "month": 5, "day": 20, "calendar": "solar", "leap_month": False}
    code = {"phone": PHONE, "member_id": ann, "language": "en", "code": "123456", "minutes": 5, "cause_id": "c1"}
    with db.engine.begin() as connection:
        connection.execute(dates.values(member_id=ann, set_on=now.date(), **wedding))
        messages.plan_code(connection, plan_for(connection, now).programme, **code, now=now)  # type: ignore[arg-type]
    return ann


def leave(member_id: str, reason: str = "the member asked for it") -> dict[str, Any]:
    return said(erasure.erase(STAFF, member_id, reason))


def texts() -> str:
    """Return all that any table holds, as one text."""
    with db.engine.connect() as connection:
        rows = [connection.execute(sa.select(table)).all() for table in metadata.sorted_tables]
    return repr(rows)


def refused(work: Any, *given: Any, **named: Any) -> str:
    with pytest.raises(Refusal) as error:
        work(*given, **named)
    return error.value.code


def test_nothing_of_the_person_is_left_in_any_table() -> None:
    ann = a_whole_life()
    for word in ("Ann", PHONE, "ann@example.com", "crm-1", "wedding", "on paper", "123456"):
        assert word in texts(), word
    leave(ann)
    for word in ("Ann", PHONE, "ann@example.com", "crm-1", "wedding", "on paper", "123456"):
        assert word not in texts(), word
    assert_clean()


def test_points_are_forfeited_by_entries_and_nothing_is_owed() -> None:
    ann = a_whole_life()
    told = leave(ann)
    assert told["status"] == "erased"
    assert {one["wallet"] for one in told["points"] if one["points"]} == {"leaves", "petals", "stamps"}
    with db.engine.connect() as connection:
        accounts = metadata.tables["accounts"]
        figures = connection.execute(
            sa.select(*(sa.func.sum(accounts.c[name]) for name in ("available", "pending", "held", "debt")))
        ).one()
        assert tuple(figures) == (0, 0, 0, 0)
        vouchers = metadata.tables["vouchers"]
        assert set(connection.scalars(sa.select(vouchers.c.status))) == {"cancelled"}
    assert_clean()


def test_who_left_is_gone_for_everybody() -> None:
    ann = a_whole_life()
    leave(ann)
    assert refused(members.find, ann) == "member_not_found"
    assert refused(members.look_up, MemberReference(phone=PHONE)) == "unknown_phone"
    assert refused(members.look_up, MemberReference(card=CARD)) == "blocked_card"
    assert refused(redeem, ann, 20) == "erased_member"
    assert refused(erasure.erase, STAFF, ann, "again") == "member_not_found"
    assert said(post(sold("p3", ann, receipt="r3")))["reason"] == "erased_member"


def test_the_phone_and_the_shops_own_id_can_join_again() -> None:
    ann = a_whole_life()
    leave(ann)
    again = enrol(phone=PHONE, external_id="crm-1", name="Ann Li")
    assert again != ann
    assert_clean()


@sqlite
def test_a_debt_and_pending_points_go_together() -> None:
    ann = a_whole_life()
    take_return("p1", "x1")
    leave(ann)
    assert_clean()


@sqlite
def test_goods_that_come_back_later_leave_no_debt_and_no_points() -> None:
    ann = a_whole_life()
    leave(ann)
    take_return("p1", "x1")
    with db.engine.connect() as connection:
        accounts = metadata.tables["accounts"]
        owed = sa.select(accounts.c.available + accounts.c.pending + accounts.c.debt)
        assert set(connection.scalars(owed)) == {0}
    assert_clean()


@sqlite
def test_a_merged_members_cards_go_with_the_one_who_leaves() -> None:
    ann = a_whole_life()
    leave(ann)
    with db.engine.connect() as connection:
        assert set(connection.scalars(sa.select(metadata.tables["cards"].c.status))) == {"blocked"}


@sqlite
def test_how_a_till_named_the_member_is_forgotten_with_purchases_that_wait() -> None:
    ann = a_whole_life()
    done(member_changes.suspend_in, STAFF, ann, "a test")
    post(sold("p4", ann, receipt="r4"))
    assert any("member_id" in (one or "") for one in named())
    leave(ann)
    assert not any(ann in (one or "") for one in named())


def named() -> list[str | None]:
    with db.engine.connect() as connection:
        return list(connection.scalars(sa.select(metadata.tables["parked_purchases"].c.named_member)))


@sqlite
@pytest.mark.parametrize("table", sorted(name for name, one in personal.TREATED.items() if one.goes or one.emptied))
def test_the_audit_names_every_table_in_which_something_is_left(table: str) -> None:
    ann = a_whole_life()
    found, treatment = metadata.tables[table], personal.TREATED[table]
    with db.engine.connect() as connection:
        before = [dict(row) for row in connection.execute(sa.select(found).where(found.c.member_id == ann)).mappings()]
    leave(ann)
    assert before or table == "one_time_codes"
    code = {"purpose": "x", "code_hash": "x", "tries_left": 1, "made_at": clock.now(), "expires_at": clock.now()}
    kept = before[0] if before else {"member_id": ann, **code}
    with db.engine.begin() as connection:
        if treatment.goes:
            connection.execute(found.insert().values(**kept))
        else:
            wrong = {"members": {"time_zone": "Asia/Shanghai"}, "cards": {"status": "active"}}
            values = wrong.get(table) or dict.fromkeys(treatment.emptied, "x")
            connection.execute(found.update().where(found.c.member_id == ann).values(**values))
    broken = {(one.rule.invariant, one.rule.table) for one in audit().broken}
    assert (13, table) in broken


def test_every_table_with_a_members_id_is_treated() -> None:
    there = {table.name for table in metadata.sorted_tables if "member_id" in table.c}
    assert there == set(personal.TREATED)


def test_an_export_holds_the_members_rows_of_every_table_and_no_secret() -> None:
    ann = a_whole_life()
    told = exporting.export(Actor("phone", "member", member_id=ann), ann)
    shown = {name for name, rows in told["tables"].items() if rows}
    with db.engine.connect() as connection:
        for name, treatment in personal.TREATED.items():
            found = metadata.tables[name]
            rows = connection.scalar(sa.select(sa.func.count()).select_from(found).where(found.c.member_id == ann))
            assert bool(rows) <= (name in shown or not treatment.shown), name
    everything = json.dumps(told, default=str)
    for word in ("Ann Li", PHONE, "ann@example.com", "wedding", "on paper", "p1"):
        assert word in everything, word
    for hidden in ("token_secret", "secret_hash", "code_hash"):
        assert hidden not in everything
    assert "member.export" in {row["action"] for row in told["tables"]["audit_log"]}


@sqlite
def test_an_export_shows_nobody_else(frozen_clock: FrozenClock) -> None:
    ann = a_whole_life()
    other = enrol(name="Bo", phone="+8613900139000")
    frozen_clock.move(timedelta(minutes=1))
    everything = json.dumps(exporting.export(STAFF, ann), default=str)
    assert other not in everything
    assert "Bo" not in everything


def test_a_phone_that_joins_again_is_not_welcomed_again() -> None:
    publish(club(WELCOME))
    first = join(DAY, phone=PHONE)
    tick(noon(DAY) + timedelta(minutes=1))
    assert [one[0] for one in granted(first)] == ["welcome"]
    leave(first)
    again, other = join(DAY + A_DAY, phone=PHONE), join(DAY + A_DAY, phone="+8613900139000")
    tick(noon(DAY + A_DAY) + timedelta(minutes=1))
    assert granted(again) == []
    assert [one[0] for one in granted(other)] == ["welcome"]
    assert_clean()


@sqlite
def test_who_left_is_given_nothing_on_any_night() -> None:
    publish(club())
    gone, there = (join(LONG_AGO, ANN, phone=phone) for phone in (PHONE, "+8613900139000"))
    leave(gone)
    night(DAY)
    assert granted(gone) == []
    assert [one[0] for one in granted(there)] == ["birthday"]
    assert_clean()


@sqlite
def test_targets_are_told_that_a_member_left_and_not_who(app: Flask) -> None:
    before = app.extensions["loyalty_settings"]
    app.extensions["loyalty_settings"] = replace(before, webhooks=(target("http://127.0.0.1:1/"),))
    try:
        ann = a_whole_life()
        leave(ann)
    finally:
        app.extensions["loyalty_settings"] = before
    events = metadata.tables["webhook_events"]
    with db.engine.connect() as connection:
        told = connection.execute(
            sa.select(events.c.kind, events.c.payload).where(events.c.member_id == ann).order_by(events.c.event_no)
        ).all()
    said = [(kind, json.loads(payload)) for kind, payload in told]
    assert said[-1] == ("member", {"change": "erased"})
    assert said.count(said[-1]) == 1
    assert {"cancelled"} <= {one.get("change") for kind, one in said if kind == "voucher"}
    for word in ("Ann", PHONE, "ann@example.com", "crm-1", CARD):
        assert word not in repr(told)
    assert_clean()


@sqlite
@pytest.mark.parametrize("status", ["planned", "held", "sending", "unknown"])
def test_an_export_shows_no_code_that_may_still_open_something(status: str) -> None:
    ann = a_whole_life()
    phone_codes.send(phone_codes.Purpose("erasure", ann), PHONE, "en", "203.0.113.7", ann)
    table = metadata.tables["messages"]
    with db.engine.begin() as connection:
        connection.execute(table.update().values(status=status))
        kept = connection.scalars(sa.select(table.c.places).where(table.c.purpose == "code")).all()
    codes = [one for one in exporting.export(STAFF, ann)["tables"]["messages"] if one["purpose"] == "code"]
    assert [(one["places"], one["to_address"]) for one in codes] == [({}, None)] * 2
    assert all("code" in json.loads(one) for one in kept)


@sqlite
def test_codes_for_every_phone_of_the_member_are_forgotten() -> None:
    publish()
    ann = enrol(phone=PHONE)
    merging.merge(STAFF, enrol(phone="+8613900139000"), ann, "one person")
    for phone in (PHONE, "+8613900139000"):
        sessions.ask_code(phone, "en", "203.0.113.7")
    leave(ann)
    with db.engine.connect() as connection:
        assert connection.execute(sa.select(metadata.tables["phone_codes"])).all() == []
    assert "+8613900139000" not in texts()
