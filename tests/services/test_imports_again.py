"""A list of members that comes again, edited or not: what is the same is there already, and what isn't is told."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from loyalty_engine.services import importing, member_changes, members_consents
from loyalty_engine.services.importing import Request
from loyalty_engine.services.imports.totals import Totals
from loyalty_engine.services.member_changes import Changes
from tests.builders import ADMIN, STAFF, open_store, publish
from tests.conftest import FrozenClock
from tests.ledger import rows

FANG = {
    "external_id": "M-1",
    "cards": ["6300000000000012"],
    "phone": "+8613800138000",
    "name": "王芳",
    "email": "fang@example.com",
    "language": "zh",
    "joined_on": "2021-03-05",
    "birthday": {"month": 8, "day": 15, "year": 1990, "calendar": "lunar"},
    "consents": [
        {"channel": "sms", "purpose": "marketing", "given": True, "at": "2021-03-05T10:00:00+08:00", "proof": "form 12"}
    ],
    "tier": {"level": "gold", "until": "2027-03-31"},
    "attributes": {"city": "Hangzhou"},
    "segments": ["office"],
}
LI = {"external_id": "M-2", "phone": "+8613800138001", "name": "Li"}


@pytest.fixture(autouse=True)
def _a_shop(app: object, frozen_clock: FrozenClock) -> None:
    publish()
    open_store()


def bring_in(directory: Path, *members: object) -> tuple[Totals, list[tuple[str, str]]]:
    path, rejects = directory / "members.ndjson", directory / "rejects.ndjson"
    path.write_text("".join(f"{json.dumps(member)}\n" for member in members), encoding="utf-8")
    request = Request("members", path, rejects)
    totals = importing.bring_in(ADMIN, request, lambda kind, total: nullcontext(lambda done: None))
    found = rejects.read_text(encoding="utf-8").splitlines() if rejects.exists() else []
    return totals, [(one["field"], one["reason"].partition(":")[0]) for one in map(json.loads, found)]


def without(member: dict[str, object], *fields: str) -> dict[str, object]:
    return {name: value for name, value in member.items() if name not in fields}


def consent(**changes: object) -> dict[str, object]:
    return {"consents": [FANG["consents"][0] | changes]}  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cards": ["6300000000000020"]}, "cards"),
        ({"phone": "+8613800138009"}, "phone"),
        ({"name": "王方"}, "name"),
        ({"email": "wang@example.com"}, "email"),
        ({"language": "en"}, "language"),
        ({"joined_on": "2021-03-06"}, "joined_on"),
        ({"birthday": {"month": 8, "day": 15, "year": 1990}}, "birthday"),
        ({"birthday": {"month": 8, "day": 16, "calendar": "lunar"}}, "birthday"),
        (consent(given=False), "consents[0]"),
        (consent(at="2021-03-05T10:00:01+08:00"), "consents[0]"),
        (consent(channel="email"), "consents[0]"),
        ({"tier": {"level": "green"}}, "tier"),
        ({"tier": {"level": "gold", "until": "2027-04-01"}}, "tier"),
        ({"attributes": {"city": "Ningbo"}}, "attributes.city"),
        ({"attributes": {"town": "Ningbo"}}, "attributes.town"),
        ({"segments": ["office", "night"]}, "segments"),
    ],
)
def test_a_changed_row_of_an_earlier_import_is_told_field_by_field_and_changes_nothing(
    tmp_path: Path, change: dict[str, object], field: str
) -> None:
    assert bring_in(tmp_path, FANG, LI)[0].statuses == {"enrolled": 2}
    before = rows("SELECT * FROM profiles ORDER BY member_id")
    totals, reasons = bring_in(tmp_path, FANG | change, LI)
    assert (totals.statuses, reasons) == ({"rejected": 1, "replayed": 1}, [(field, "member_differs")])
    assert rows("SELECT * FROM profiles ORDER BY member_id") == before


@pytest.mark.parametrize(
    "row",
    [
        FANG,
        {"external_id": "M-1"},
        without(FANG, "phone", "name", "birthday", "tier"),
        FANG | {"birthday": {"month": 8, "day": 15, "calendar": "lunar"}},
        FANG | {"tier": {"level": "gold"}},
        FANG | {"phone": "138 0013 8000"},
        FANG | consent(given=False, at="2021-03-05T09:59:59+08:00"),
    ],
)
def test_a_row_that_says_nothing_else_is_there_already(tmp_path: Path, row: dict[str, object]) -> None:
    bring_in(tmp_path, FANG)
    totals, reasons = bring_in(tmp_path, LI, row)
    assert (totals.statuses, reasons) == ({"enrolled": 1, "replayed": 1}, [])


def test_a_second_row_of_a_member_is_held_against_the_first(tmp_path: Path) -> None:
    for there in ("enrolled", "replayed"):
        totals, reasons = bring_in(tmp_path, FANG, FANG, FANG | {"name": "Fang", "email": "a@example.com"})
        assert totals.statuses == {there: 1, "rejected": 1, "replayed": 1} | (
            {"replayed": 2} if there != "enrolled" else {}
        )
        assert reasons == [("name", "member_differs"), ("email", "member_differs")]


def test_what_has_changed_here_since_is_told_and_stays(tmp_path: Path) -> None:
    bring_in(tmp_path, FANG)
    (member,) = [str(row["member_id"]) for row in rows("SELECT member_id FROM members")]
    member_changes.change(STAFF, member, Changes(name="Fang Wang"))
    taken_back = members_consents.said_by_oneself("sms", "marketing", False, "by telephone")
    member_changes.put_consent(STAFF, member, taken_back)
    totals, reasons = bring_in(tmp_path, FANG)
    assert (totals.statuses, reasons) == ({"rejected": 1}, [("name", "member_differs")])
    assert rows("SELECT name FROM profiles")[0]["name"] == "Fang Wang"


def test_an_edited_file_without_ids_finds_its_members_by_card_and_phone(tmp_path: Path) -> None:
    fang, li = without(FANG, "external_id"), without(LI, "external_id")
    assert bring_in(tmp_path, fang, li)[0].statuses == {"enrolled": 2}
    totals, reasons = bring_in(tmp_path, {"phone": "+8613800138002"}, li | {"name": "Lee"}, fang)
    assert totals.statuses == {"enrolled": 1, "replayed": 1, "rejected": 1}
    assert reasons == [("name", "member_differs")]


@pytest.mark.parametrize("apart", [0, 500])
def test_two_members_of_one_file_never_share_a_phone(tmp_path: Path, apart: int) -> None:
    """Nobody knows which of the two rows is right, now and when the file comes again."""
    phone = {"phone": LI["phone"]}
    others = [{"external_id": f"X-{number}"} for number in range(apart)]
    for _ in range(2):
        totals, reasons = bring_in(tmp_path, phone, *others, phone)
        assert totals.rejected == 1
        assert reasons == [("phone", "phone_taken")]


def test_a_card_of_one_member_and_a_phone_of_another_name_nobody(tmp_path: Path) -> None:
    bring_in(tmp_path, FANG, LI)
    _, reasons = bring_in(tmp_path, {"cards": FANG["cards"], "phone": LI["phone"]})
    assert reasons == [("phone", "phone_taken")]
    _, reasons = bring_in(tmp_path, {"external_id": "M-3", "phone": LI["phone"]})
    assert reasons == [("phone", "phone_taken")]
