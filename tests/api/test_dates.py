"""Members' own dates over HTTP."""

import pytest

from tests.api.conftest import Shop
from tests.builders import PROGRAMME, publish

pytestmark = pytest.mark.usefixtures("frozen_clock")

MARKED = PROGRAMME + "occasions:\n  - {id: wedding, on: {member_date: wedding}, give: [{points: 5, wallet: leaves}]}\n"
DAY = {"month": 5, "day": 17, "year": 2015}
SHOWN = {**DAY, "calendar": "solar", "leap_month": False}


@pytest.fixture
def marking(shop: Shop) -> Shop:
    """A shop that marks weddings."""
    with shop.app.app_context():
        publish(MARKED)
    return shop


def test_a_member_sets_its_date_once_and_staff_change_it(marking: Shop) -> None:
    told = marking.member("PUT", "/v1/me/dates/wedding", json={"date": DAY})
    assert (told.status_code, told.json) == (200, {"name": "wedding", "date": SHOWN, "set_on": "2026-11-22"})
    assert marking.member("PUT", "/v1/me/dates/wedding", json={"date": DAY}).status_code == 200
    again = marking.member("PUT", "/v1/me/dates/wedding", json={"date": {**DAY, "day": 18}, "reason": "please"})
    assert (again.status_code, again.json["code"]) == (403, "date_set")
    path = f"/v1/members/{marking.member_id}/dates"
    unsaid = marking.staff("PUT", f"{path}/wedding", json={"date": {**DAY, "day": 18}})
    assert (unsaid.status_code, unsaid.json["code"]) == (422, "reason_missing")
    marking.staff("PUT", f"{path}/wedding", json={"date": {**DAY, "day": 18}, "reason": "a slip of the pen"})
    for shown in (marking.service("GET", path), marking.member("GET", "/v1/me/dates")):
        assert [one["date"]["day"] for one in shown.json["dates"]] == [18]


@pytest.mark.parametrize(
    ("name", "body", "code", "field"),
    [
        ("wedding", {}, "invalid_fields", "date"),
        ("wedding", {"date": {"month": 5}}, "invalid_fields", "date.day"),
        ("wedding", {"date": {"month": 13, "day": 1}}, "invalid_fields", "date.month"),
        ("wedding", {"date": {"month": 2, "day": 30}}, "date_invalid", "date"),
        ("wedding", {"date": {"month": 1, "day": 31, "calendar": "lunar"}}, "date_invalid", "date"),
        ("wedding", {"date": {**DAY, "year": 2027}}, "date_invalid", "date"),
        ("divorce", {"date": DAY}, "date_unknown", "name"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(marking: Shop, name: str, body: object, code: str, field: str) -> None:
    refused = marking.member("PUT", f"/v1/me/dates/{name}", json=body)
    assert (refused.status_code, refused.json["code"]) == (422, code)
    assert field in refused.json["errors"]
    assert marking.member("GET", "/v1/me/dates").json == {"dates": []}
