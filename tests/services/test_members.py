"""Who becomes a member, how a till finds one, and what of a member may change."""

import json
from datetime import date, timedelta
from time import perf_counter
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from stdnum import luhn

from loyalty_engine.services import audit_log, card_numbers, enrolment, members
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.imports.records import GivenConsent, HeldLevel
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import metadata
from rules.errors import Conflict, Invalid, NotFound
from rules.facts import Birthday
from tests.builders import ADMIN, PROGRAMME, STAFF, TILL, done, publish
from tests.conftest import NOON, FrozenClock

PHONE = "+8613800138000"
CONSENT = GivenConsent("sms", "greeting", True, NOON, "form 12")


@pytest.fixture(autouse=True)
def _a_programme(app: Flask, frozen_clock: FrozenClock) -> None:
    publish()


def enrolled(new: NewMember = NewMember(), actor: Actor = TILL) -> dict[str, Any]:
    answer = done(enrolment.enrol_in, actor, new)
    assert answer.status == 201
    found: dict[str, Any] = json.loads(answer.body)
    return found


def rows(table: str) -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(sa.select(metadata.tables[table])).mappings())


def test_a_member_gets_a_card_of_ours_and_the_first_level() -> None:
    told = enrolled(NewMember(phone=PHONE))
    assert len(told["card"]) == 16
    assert told["card"].startswith("63")
    assert luhn.is_valid(told["card"])
    assert (told["status"], told["level"], told["language"], told["joined_on"]) == (
        "active", "green", "en", "2026-11-22",
    )  # fmt: skip
    (change,) = rows("tier_history")
    assert (change["change_no"], change["level"], change["source_kind"], change["version"]) == (
        1,
        "green",
        "enrolment",
        1,
    )
    (member,) = rows("members")
    assert (member["tier_changes"], member["level_since_at"], member["level_review_on"]) == (1, NOON, None)


def test_the_cards_of_two_members_differ() -> None:
    assert enrolled()["card"] != enrolled()["card"]


def test_without_levels_there_is_no_level(frozen_clock: FrozenClock) -> None:
    frozen_clock.move(timedelta(seconds=1))
    publish(PROGRAMME[: PROGRAMME.index("tiers:")])
    assert enrolled()["level"] is None
    assert rows("tier_history") == []


def test_the_day_of_joining_is_the_programmes(frozen_clock: FrozenClock) -> None:
    frozen_clock.set(NOON.replace(hour=16))
    assert enrolled()["joined_on"] == "2026-11-23"


@pytest.mark.parametrize("written", [PHONE, "+86 138-0013-8000", "13800138000", "0086 13800138000"])
def test_a_phone_is_found_however_it_is_written(written: str) -> None:
    told = enrolled(NewMember(phone=written))
    assert members.look_up(MemberReference(phone=PHONE)).member_id == told["member_id"]
    assert members.look_up(MemberReference(phone=written)).member_id == told["member_id"]


@pytest.mark.parametrize("written", ["", "12", "+86138", "a phone", "+999999999", "１３８００１３８０００", "1" * 500])
def test_a_phone_that_is_none_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(Invalid) as refused:
        done(enrolment.enrol_in, TILL, NewMember(phone=written))
    assert list(refused.value.errors) == ["phone"]
    assert "+8613800138000" in refused.value.errors["phone"][0]
    assert not written or written not in str(refused.value.errors).replace("+8613800138000", "")


def test_a_phone_belongs_to_one_member() -> None:
    enrolled(NewMember(phone=PHONE))
    with pytest.raises(Conflict) as refused:
        done(enrolment.enrol_in, TILL, NewMember(phone="138 0013 8000"))
    assert (refused.value.code, list(refused.value.errors)) == ("phone_taken", ["phone"])
    assert len(rows("members")) == 1


def test_a_card_that_the_shop_brings_along_is_found() -> None:
    told = enrolled(NewMember(cards=("8412 3456-7890",)))
    assert told["card"] == "841234567890"
    assert members.look_up(MemberReference(card="841234567890")).member_id == told["member_id"]
    with pytest.raises(Conflict) as refused:
        done(enrolment.enrol_in, TILL, NewMember(cards=("841234567890",)))
    assert refused.value.code == "card_taken"


@pytest.mark.parametrize(
    ("number", "good"),
    [("6300000000000017", True), ("1234567", False), ("12345678", True),
     ("1" * 19, True), ("1" * 20, False), ("1234567x", False), ("１２３４５６７８", False), ("12345678\n", False)],
)  # fmt: skip
def test_a_card_number_has_8_to_19_digits(number: str, good: bool) -> None:
    if good:
        assert card_numbers.normalised(number) == number
    else:
        with pytest.raises(card_numbers.BadCard):
            card_numbers.normalised(number)


@pytest.mark.parametrize(("number", "said"), [("6300000000000012", "or enrol"), ("6300000000000017", "check digit")])
def test_a_number_of_ours_with_a_digit_wrong_is_called_so(number: str, said: str) -> None:
    with pytest.raises(NotFound, match=said):
        members.look_up(MemberReference(card=number))
    enrolled(NewMember(cards=(number,)))
    assert members.look_up(MemberReference(card=number)).card == "*" * 12 + number[-4:]


@pytest.mark.parametrize(
    ("birthday", "good"),
    [
        (Birthday(5, 17, 1990), True),
        (Birthday(2, 29), True),
        (Birthday(2, 29, 2024), True),
        (Birthday(2, 29, 2023), False),
        (Birthday(4, 31), False),
        (Birthday(13, 1), False),
        (Birthday(11, 21, 2026), True),
        (Birthday(11, 22, 2026), True),
        (Birthday(11, 23, 2026), False),
        (Birthday(1, 1, 1890), False),
        (Birthday(1, 1, 1990, leap_month=True), False),
        (Birthday(12, 30, None, "lunar"), True),
        (Birthday(12, 31, None, "lunar"), False),
        (Birthday(6, 1, 2025, "lunar", leap_month=True), True),
        (Birthday(6, 1, 2024, "lunar", leap_month=True), False),
        (Birthday(5, 1, 2025, "lunar", leap_month=True), False),
        (Birthday(12, 30, 2024, "lunar"), False),
        (Birthday(12, 29, 2024, "lunar"), True),
        (Birthday(1, 1, 1899, "lunar"), False),
    ],
)
def test_a_birthday_is_a_day_that_was(birthday: Birthday, good: bool) -> None:
    if good:
        assert members.find(enrolled(NewMember(birthday=birthday))["member_id"]).birthday == birthday
    else:
        with pytest.raises(Invalid) as refused:
            done(enrolment.enrol_in, TILL, NewMember(birthday=birthday))
        assert list(refused.value.errors) == ["birthday"]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    new = NewMember(
        external_id="a b",
        cards=("1",),
        phone="1",
        name="A\x00B",
        email="anna@",
        language="english",
        birthday=Birthday(2, 30),
        consents=(GivenConsent("fax", "fun", True, NOON, ""),),
        segments=frozenset({"a b"}),
        attributes={"colour": "x" * 101},
        joined_on=date(2026, 11, 23),
        tier=HeldLevel("platinum"),
    )
    with pytest.raises(Invalid) as refused:
        done(enrolment.enrol_in, STAFF, new)
    assert set(refused.value.errors) == {
        "external_id", "cards[0]", "phone", "name", "email", "language", "birthday", "consents[0].channel",
        "consents[0].purpose", "consents[0].proof", "segments", "attributes.colour", "joined_on", "tier",
    }  # fmt: skip
    assert rows("members") == []


def test_an_address_that_turns_the_direction_of_its_text_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        enrolled(NewMember(email="anna\u202e@example.com"))
    assert refusal.value.errors.keys() == {"email"}


def test_staff_see_all_of_a_member_and_a_till_hardly_anything() -> None:
    new = NewMember("c-7", (), PHONE, "Anna Schmidt", "anna@example.com", "zh", Birthday(5, 17), (CONSENT,),
                    frozenset({"vip"}), {"colour": "red"})  # fmt: skip
    told = enrolled(new, STAFF)
    member = members.find(told["member_id"])
    assert (member.name, member.phone, member.email, member.birthday) == (
        "Anna Schmidt", PHONE, "anna@example.com", Birthday(5, 17),
    )  # fmt: skip
    assert (member.segments, member.attributes, len(member.consents)) == (("vip",), {"colour": "red"}, 1)
    seen = members.look_up(MemberReference(member_id=told["member_id"]))
    assert (seen.name, seen.card, seen.level, seen.language) == (
        "A*** S***",
        "*" * 12 + told["card"][-4:],
        "green",
        "zh",
    )


def test_a_name_is_kept_in_its_composed_form() -> None:
    assert members.find(enrolled(NewMember(name=" Zoe\u0308 "))["member_id"]).name == "Zoë"


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        (MemberReference(card="6300000000000017"), "unknown_card"),
        (MemberReference(phone=PHONE), "unknown_phone"),
        (MemberReference(member_id=new_id()), "member_not_found"),
        (MemberReference(member_id="nobody"), "member_not_found"),
    ],
)
def test_who_is_not_there_is_not_found(reference: MemberReference, code: str) -> None:
    with pytest.raises(NotFound) as refused:
        members.look_up(reference)
    assert refused.value.code == code


def test_a_rotating_token_that_nobody_shows_finds_nobody() -> None:
    with pytest.raises(NotFound):
        members.look_up(MemberReference(token="123456"))


def test_without_a_programme_nobody_is_enrolled(app: Flask) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM programme_versions")
    with pytest.raises(Conflict) as refused:
        done(enrolment.enrol_in, TILL, NewMember())
    assert refused.value.code == "no_programme"


def test_personal_data_stays_in_its_tables() -> None:
    enrolled(NewMember(phone=PHONE, name="Anna Schmidt", email="anna@example.com"))
    for table in metadata.sorted_tables:
        if table.name not in ("profiles", "phones"):
            told = str(rows(table.name))
            assert PHONE not in told
            assert "Anna" not in told
            assert "anna@" not in told


def test_many_are_enrolled_each_with_its_own_result() -> None:
    done = enrolment.enrol_many(
        ADMIN,
        [
            NewMember(phone=PHONE, source="file/1"),
            NewMember(phone=PHONE, source="file/2"),
            NewMember(phone="12", source="file/3"),
            NewMember(external_id="c-4", source="file/4"),
            NewMember(external_id="c-4", source="file/5"),
        ],
    )
    assert [(one.status, one.code) for one in done] == [
        ("enrolled", None), ("refused", "phone_taken"), ("refused", "member_invalid"),
        ("enrolled", None), ("replayed", None),
    ]  # fmt: skip
    assert done[4].member_id == done[3].member_id
    assert len(rows("members")) == 2


def test_an_import_that_is_repeated_adds_nobody() -> None:
    list_of = [NewMember(external_id=f"c-{number}", source=f"file/{number}") for number in range(20)]
    first = enrolment.enrol_many(ADMIN, list_of)
    again = enrolment.enrol_many(ADMIN, list_of)
    assert {one.status for one in again} == {"replayed"}
    assert [one.member_id for one in again] == [one.member_id for one in first]
    assert len(rows("members")) == len(rows("cards")) == 20


def test_a_member_who_is_brought_along_keeps_day_and_level() -> None:
    new = NewMember(source="file/1", joined_on=date(2020, 2, 29), tier=HeldLevel("gold", date(2027, 6, 30)))
    (done,) = enrolment.enrol_many(ADMIN, [new])
    assert done.level == "gold"
    (member,), (change,) = rows("members"), rows("tier_history")
    assert (member["joined_on"], member["level"], member["level_review_on"]) == (
        date(2020, 2, 29), "gold", date(2027, 6, 30),
    )  # fmt: skip
    assert (change["source_kind"], change["since_at"]) == ("import", member["enrolled_at"])
    assert member["enrolled_at"].isoformat() == "2020-02-28T16:00:00+00:00"


def test_a_level_without_an_end_holds_as_long_as_the_programme_says() -> None:
    enrolment.enrol_many(ADMIN, [NewMember(tier=HeldLevel("gold"))])
    assert rows("members")[0]["level_review_on"] == date(2027, 11, 22)


def test_thousands_of_households_are_enrolled_within_seconds() -> None:
    households = [
        NewMember(source=f"h/{n}", external_id=f"household-{n}", name="Anna Schmidt", consents=(CONSENT,),
                  phone=f"+1{201 + n // 100}55501{n % 100:02}")
        for n in range(100)
    ] + [NewMember(source=f"h/{n}", external_id=f"household-{n}", name="Anna Schmidt") for n in range(100, 2_469)]  # fmt: skip
    began = perf_counter()
    assert {one.status for one in enrolment.enrol_many(ADMIN, households)} == {"enrolled"}
    assert perf_counter() - began < 15, "one second on an idle machine"
    (entry,) = [entry for entry in audit_log.entries()[0] if entry.action == "member.enrol_many"]
    assert entry.target == "2469 members"
