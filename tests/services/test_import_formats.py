"""Files of purchases, members and products: what is documented is read, and what is wrong is named with its place."""

import csv
import json
import re
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine import clock
from loyalty_engine.services.imports.doubles import minor_of
from loyalty_engine.services.imports.formats import count_rows, read_rows
from loyalty_engine.services.imports.identity import file_hash, row_id
from loyalty_engine.services.imports.job import run
from loyalty_engine.services.imports.jobs import member_job, product_job, purchase_job
from loyalty_engine.services.imports.members import read_member
from loyalty_engine.services.imports.products import read_product
from loyalty_engine.services.imports.progress import progress
from loyalty_engine.services.imports.purchases import Defaults, read_purchase
from loyalty_engine.services.imports.records import GivenConsent, HeldLevel, Misread, NewMember, NewProduct
from loyalty_engine.services.imports.rejects import RejectFile
from loyalty_engine.services.imports.sinks import Connection, Kind, Mark, Then
from loyalty_engine.services.imports.totals import Totals
from loyalty_engine.services.intake import MemberReference, PostedPurchase, Receipt
from rules.errors import Invalid, Problem
from rules.facts import Birthday, Line, Purchase, Tender

DOCUMENT = Path(__file__).parents[2] / "docs" / "import-formats.md"
SHANGHAI = ZoneInfo("Asia/Shanghai")
DEFAULTS = Defaults("CNY", SHANGHAI)
NOW = datetime(2026, 11, 22, tzinfo=UTC)

LATTE_AND_BAGEL = PostedPurchase(
    purchase_id="T7-20261122-0042",
    store="S1",
    terminal="T7",
    member=MemberReference(card="6300000000000017"),
    receipt=Receipt("0042", date(2026, 11, 22)),
    purchase=Purchase(
        occurred_at=datetime(2026, 11, 22, 1, 41, tzinfo=UTC),
        lines=(
            Line("1", "LATTE-L", 2, 4000, 600, 226, category="coffee", brand="house", tags=frozenset({"hot"})),
            Line("2", "BAGEL", 1, 1200),
        ),
        currency="CNY",
        store="S1",
        channel="store",
        order_discount_minor=500,
        tenders=(Tender("card", 4000), Tender("gift_card", 700)),
        coupon_codes=frozenset({"WELCOME"}),
    ),
    vouchers=(),
)
FANG = NewMember(
    source="M-1001",
    external_id="M-1001",
    cards=("6300000000000017",),
    phone="+8613800138000",
    name="王芳",
    email="fang@example.com",
    language="zh",
    joined_on=date(2021, 3, 5),
    birthday=Birthday(8, 15, 1990, "lunar"),
    consents=(GivenConsent("sms", "marketing", True, datetime(2021, 3, 5, 2, tzinfo=UTC), "paper form 12"),),
    tier=HeldLevel("gold", date(2027, 3, 31)),
    attributes={"city": "Hangzhou"},
    segments=frozenset({"office"}),
)
LATTE = NewProduct("LATTE-L", "drinks/coffee", "house", frozenset({"hot"}), date(2026, 1, 1))


@dataclass(frozen=True)
class Done:
    status: str
    code: str | None = None
    detail: str | None = None
    wrong: Mapping[str, Sequence[str]] = field(default_factory=dict)
    points: Mapping[str, int] = field(default_factory=dict)
    member_id: str | None = None


@dataclass
class Books:
    """A stand-in for the writing side: keeps what it is given by its name, and refuses the names in `refused`."""

    refused: frozenset[str] = frozenset()
    kept: dict[Any, Any] = field(default_factory=dict)
    fails_after: int | None = None

    def post_many(self, purchases: Sequence[PostedPurchase], then: Then, /) -> Sequence[Done]:
        if self.fails_after is not None and len(self.kept) >= self.fails_after:
            raise KeyboardInterrupt
        return self._settled([self._keep((one.store, one.purchase_id), one) for one in purchases], then)

    def enrol_many(self, members: Sequence[NewMember], then: Then, /) -> Sequence[Done]:
        return self._settled([self._keep(member.source, member) for member in members], then)

    def put_products(self, products: Sequence[NewProduct], then: Then, /) -> Sequence[Done]:
        return self._settled([self._keep((product.sku, product.from_on), product) for product in products], then)

    def _settled(self, results: Sequence[Done], then: Then) -> Sequence[Done]:
        """Give the results on twice, as a transaction does that is tried again."""
        then(None, results)
        then(None, results)
        return results

    def _keep(self, key: Any, value: Any) -> Done:
        if key in self.refused or (isinstance(key, tuple) and key[1] in self.refused):
            return Done("refused", "no_such_store", "There is no such store.")
        status = "replayed" if key in self.kept else "posted"
        assert self.kept.setdefault(key, value) == value
        return Done(status, points={"points": 7})


@dataclass
class Notes:
    marks: dict[tuple[str, Kind], Mark] = field(default_factory=dict)

    def find(self, file_hash: str, kind: Kind, /) -> Mark | None:
        return self.marks.get((file_hash, kind))

    def save(self, file_hash: str, kind: Kind, mark: Mark, connection: Connection = None, /) -> None:
        self.marks[file_hash, kind] = mark


def bring_in(path: Path, books: Books, notes: Notes | None = None) -> tuple[Totals, Path]:
    rejects = path.with_suffix(".rejects.ndjson")
    job = purchase_job(books.post_many, DEFAULTS)
    return run(job, path, rejects, notes or Notes(), lambda: NOW, lambda done: None), rejects


def documented(language: str, kind: str) -> str:
    found = re.search(rf"```{language} {kind}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"docs/import-formats.md shows no {language} of {kind}"
    return found[1]


def written(directory: Path, kind: str, language: str) -> Path:
    path = directory / f"{kind}.{language}"
    if language != "parquet":
        path.write_text(documented(language, kind), encoding="utf-8")
        return path
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = list(csv.DictReader(documented("csv", kind).splitlines()))
    table = pa.Table.from_pylist([{name: value or None for name, value in row.items()} for row in rows])
    parquet.write_table(table, path)
    return path


@pytest.fixture(params=["ndjson", "csv", "parquet"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_documented_purchase_is_read_alike_from_every_format(tmp_path: Path, language: str) -> None:
    books = Books()
    totals, rejects = bring_in(written(tmp_path, "purchases", language), books)
    assert list(books.kept.values()) == [LATTE_AND_BAGEL]
    assert totals.statuses == {"posted": 1}
    assert totals.money_minor == {"CNY": 4700}
    assert totals.points == {"points": 7}
    assert totals.rows_read == (1 if language == "ndjson" else 2)
    assert not rejects.exists()


def test_the_documented_member_is_read_alike_from_every_format(tmp_path: Path, language: str) -> None:
    books, path = Books(), written(tmp_path, "members", language)
    job = member_job(books.enrol_many, SHANGHAI)
    run(job, path, tmp_path / "rejects.ndjson", Notes(), lambda: NOW, lambda done: None)
    assert list(books.kept.values()) == [FANG]


def test_the_documented_product_is_read_alike_from_every_format(tmp_path: Path, language: str) -> None:
    books, path = Books(), written(tmp_path, "products", language)
    run(product_job(books.put_products), path, tmp_path / "r.ndjson", Notes(), lambda: NOW, lambda done: None)
    assert list(books.kept.values()) == [LATTE]


def test_the_rows_of_a_file_are_counted_before_they_are_read(tmp_path: Path, language: str) -> None:
    path = written(tmp_path, "purchases", language)
    assert count_rows(path) == len(list(read_rows(path)))


def line(**changes: Any) -> dict[str, Any]:
    return {"line_id": "1", "sku": "LATTE-L", "quantity": 1, "amount": "10.00"} | changes


def body(**changes: Any) -> dict[str, Any]:
    return {"purchase_id": "P1", "store": "S1", "occurred_at": "2026-11-22T09:41:00+08:00", "lines": [line()]} | changes


def problems_of(found: object) -> list[tuple[str, str]]:
    assert isinstance(found, Misread)
    return [(problem.path, problem.message) for problem in found.problems]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"purchase_id": "a b"}, "purchase_id"),
        ({"purchase_id": "x" * 65}, "purchase_id"),
        ({"occurred_at": None}, "occurred_at"),
        ({"occurred_at": "22.11.2026"}, "occurred_at"),
        ({"occurred_at": "2026-02-30"}, "occurred_at"),
        ({"occurred_at": "2026-11-22T25:00:00Z"}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+08:00"}, "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-08:00"}, "occurred_at"),
        ({"occurred_at": "9999-12-31"}, "occurred_at"),
        ({"occurred_at": "0001-01-02"}, "occurred_at"),
        ({"occurred_at": datetime(9999, 12, 31, tzinfo=UTC)}, "occurred_at"),
        ({"currency": "yuan"}, "currency"),
        ({"lines": []}, "lines"),
        ({"lines": "LATTE"}, "lines"),
        ({"lines": ["LATTE"]}, "lines[0]"),
        ({"lines": [line(line_id=str(number)) for number in range(501)]}, "lines"),
        ({"lines": [line(), line()]}, "lines"),
        ({"lines": [line(amount="-1.00")]}, "lines[0].amount"),
        ({"lines": [line(amount="1.001")]}, "lines[0].amount"),
        ({"lines": [line(amount="1e999999")]}, "lines[0].amount"),
        ({"lines": [line(amount="\uff11.00")]}, "lines[0].amount"),
        ({"lines": [line(amount=None)]}, "lines[0].amount"),
        ({"lines": [line(amount=float("nan"))]}, "lines[0].amount"),
        ({"lines": [line(quantity=1.5)]}, "lines[0].quantity"),
        ({"lines": [line(quantity=-1)]}, "lines[0].quantity"),
        ({"lines": [line(quantity=True)]}, "lines[0].quantity"),
        ({"lines": [line(tax="10.01")]}, "lines[0].tax"),
        ({"lines": [line(kind="service")]}, "lines[0].kind"),
        ({"lines": [line(sku="a\x00b")]}, "lines[0].sku"),
        ({"lines": [line(sku="x" * 201)]}, "lines[0].sku"),
        ({"lines": [line(tags=[1.5])]}, "lines[0].tags"),
        ({"lines": [line(colour="red")]}, "lines[0].colour"),
        ({"lines": [line(facts={"distance": "9" * 300})]}, "lines[0].facts.distance"),
        ({"lines": [line(facts={"distance": "-1"})]}, "lines[0].facts.distance"),
        ({"lines": [line(facts={"distance": 1_000_000_001})]}, "lines[0].facts.distance"),
        ({"member": {}}, "member"),
        ({"member": {"card": "1", "phone": "2"}}, "member"),
        ({"member": {"name": "Fang"}}, "member.name"),
        ({"tenders": [{"kind": "card"}]}, "tenders[0].amount"),
        ({"receipt": {"number": "1"}}, "receipt.business_day"),
        ({"discount": "1.00"}, "discount"),
    ],
)
def test_what_is_wrong_with_a_purchase_is_named_by_its_place(changes: dict[str, Any], path: str) -> None:
    found = problems_of(read_purchase(body(**changes), DEFAULTS, "instead"))
    assert path in [place for place, _ in found]


@pytest.mark.parametrize(("ahead", "is_taken"), [(299, True), (300, True), (301, False)])
def test_what_has_not_happened_yet_is_no_purchase_save_what_clocks_differ_by(ahead: int, is_taken: bool) -> None:
    with clock.frozen(NOW):
        at = (NOW + timedelta(seconds=ahead)).isoformat()
        found = read_purchase(body(occurred_at=at), DEFAULTS, "instead")
    assert isinstance(found, PostedPurchase) == is_taken
    assert is_taken or problems_of(found) == [("occurred_at", "lies in the future")]


def test_everything_wrong_with_a_purchase_is_said_at_once() -> None:
    found = problems_of(read_purchase(body(currency="?", lines=[line(quantity="x", amount="y")]), DEFAULTS, "instead"))
    assert [place for place, _ in found] == ["currency", "lines[0].quantity", "lines[0].amount"]


def test_a_file_without_currency_offset_and_id_takes_the_programmes_and_the_rows() -> None:
    values = body(occurred_at="2026-11-22T09:41", purchase_id=None)
    found = read_purchase(values, replace(DEFAULTS, currency="JPY"), "instead")
    assert problems_of(found) == [
        ("lines[0].amount", 'not an amount in JPY: write digits with at most 0 decimals, such as "1200"')
    ]
    found = read_purchase(values, DEFAULTS, "instead")
    assert isinstance(found, PostedPurchase)
    assert (found.purchase_id, found.purchase.currency) == ("instead", "CNY")
    assert found.purchase.occurred_at == datetime(2026, 11, 22, 1, 41, tzinfo=UTC)


def test_a_date_alone_is_noon_of_that_day_in_the_programmes_zone() -> None:
    found = read_purchase(body(occurred_at="2026-11-22"), DEFAULTS, "instead")
    assert isinstance(found, PostedPurchase)
    assert found.purchase.occurred_at == datetime(2026, 11, 22, 4, tzinfo=UTC)


def test_facts_of_a_line_are_exact_numbers_or_words() -> None:
    facts = {"miles": "5839", "rate": "1.25", "booking_class": "F", "legs": 2}
    found = read_purchase(body(lines=[line(facts=facts)]), DEFAULTS, "instead")
    assert isinstance(found, PostedPurchase)
    expected = {"miles": 5839, "rate": Fraction(5, 4), "booking_class": "F", "legs": 2}
    assert found.purchase.lines[0].facts == expected


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"name": "Fang"}, ""),
        ({"external_id": "1", "birthday": "1990-02-30"}, "birthday.day"),
        ({"external_id": "1", "birthday": "2023-02-29"}, "birthday.day"),
        ({"external_id": "1", "birthday": "15 August"}, "birthday"),
        ({"external_id": "1", "birthday": {"month": 13, "day": 1}}, "birthday.month"),
        ({"external_id": "1", "birthday": {"month": 4, "day": 31, "calendar": "lunar"}}, "birthday.day"),
        ({"external_id": "1", "birthday": "08-15", "birthday_leap_month": "yes"}, "birthday.leap_month"),
        ({"external_id": "1", "consent.sms.marketing": "yes"}, "consents[0].at"),
        ({"external_id": "1", "tier_until": "2027-01-01"}, "tier.level"),
        ({"external_id": "1", "tier_level": "gold", "tier_until": "9999-12-31"}, "tier.until"),
        ({"external_id": "1", "joined_on": "0001-01-01"}, "joined_on"),
        ({"external_id": "1", "consent.sms.marketing": "yes;0001-01-01T00:00:00+10:00;p"}, "consents[0].at"),
        ({"external_id": "1", "shoe_size": "44"}, "shoe_size"),
    ],
)
def test_what_is_wrong_with_a_member_is_named_by_its_place(values: dict[str, Any], path: str) -> None:
    assert path in [place for place, _ in problems_of(read_member(values, SHANGHAI, "instead"))]


@pytest.mark.parametrize("birthday", ["02-29", "2024-02-29"])
def test_a_birthday_on_the_leap_day_needs_no_year_or_one_that_has_it(birthday: str) -> None:
    assert isinstance(read_member({"external_id": "1", "birthday": birthday}, SHANGHAI, "instead"), NewMember)


@pytest.mark.parametrize("sign", [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", "\u2028", "\x07", "\n"])
def test_text_that_hides_what_it_says_is_refused(sign: str) -> None:
    for values in ({"name": f"a{sign}b"}, {"attribute.city": f"a{sign}b"}, {"segments": [f"a{sign}b"]}):
        ((_, said),) = problems_of(read_member({"external_id": "1", **values}, SHANGHAI, "instead"))
        assert said.startswith("contains a control character")
    assert problems_of(read_purchase(body(lines=[line(sku=f"a{sign}b")]), DEFAULTS, "p"))[0][0] == "lines[0].sku"


def test_joiners_of_letters_and_of_emoji_stay() -> None:
    for name in ("\U0001f469\u200d\U0001f4bb", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"):
        found = read_member({"external_id": "1", "name": name}, SHANGHAI, "instead")
        assert isinstance(found, NewMember)
        assert found.name == name


def test_a_category_is_a_path_without_empty_parts() -> None:
    assert problems_of(read_product({"sku": "A", "category": "drinks//coffee"}))[0][0] == "category"


def csv_file(directory: Path, *rows: str, header: str = "store,purchase_id,occurred_at,sku,quantity,amount") -> Path:
    path = directory / "history.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def rejected(path: Path) -> list[dict[str, Any]]:
    return [json.loads(record) for record in path.read_text(encoding="utf-8").splitlines()]


def test_a_bad_row_is_written_down_with_line_field_reason_and_the_row(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "S1,P1,2026-11-22,A,1,5.00", "S1,P2,2026-11-22,A,1,5.001")
    totals, rejects = bring_in(path, Books())
    assert totals.statuses == {"posted": 1, "rejected": 1}
    (record,) = rejected(rejects)
    assert (record["line"], record["field"]) == (3, "lines[0].amount")
    assert record["reason"].startswith("not an amount in CNY")
    assert record["row"]["purchase_id"] == "P2"


def test_half_a_purchase_is_none(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "S1,P1,2026-11-22,A,1,5.00", "S1,P1,,B,x,5.00", "S1,P2,2026-11-22,A,1,5.00")
    books = Books()
    totals, rejects = bring_in(path, books)
    assert totals.statuses == {"posted": 1, "rejected": 1}
    assert list(books.kept) == [("S1", "P2")]
    assert [record["line"] for record in rejected(rejects)] == [2, 3]


@pytest.mark.parametrize("between", [1, 600])
def test_of_a_purchase_whose_rows_stand_apart_nothing_is_booked(tmp_path: Path, between: int) -> None:
    others = [f"S1,Q{number},2026-11-22,A,1,5.00" for number in range(between)]
    half, other_half = "S1,P1,2026-11-22,A,1,5.00", "S1,P1,2026-11-22,B,1,7.00"
    path = csv_file(tmp_path, half, *others, other_half, "S1,P2,2026-11-22,A,1,5.00", "S2,P1,2026-11-22,A,1,5.00")
    books = Books()
    for status in ("posted", "replayed"):
        totals, rejects = bring_in(path, books)
        assert totals.statuses == {status: between + 2, "rejected": 2}
        assert ("S1", "P1") not in books.kept
        assert [(record["line"], record["field"]) for record in rejected(rejects)] == [
            (2, "purchase_id"),
            (between + 3, "purchase_id"),
        ]
        said = "the rows of purchase P1 stand in several places of the file: put them together, each of them once"
        assert {record["reason"] for record in rejected(rejects)} == {said}


def test_rows_that_stand_apart_in_a_parquet_file_are_found_too(tmp_path: Path) -> None:
    rows = [
        {"store": "S1", "purchase_id": number, "occurred_at": "2026-11-22", "sku": "A", "quantity": 1, "amount": "5.00"}
        for number in (1, 2, 2, 1, 3)
    ]
    books = Books()
    totals, _ = bring_in(_parquet_file(tmp_path, *rows), books)
    assert totals.statuses == {"posted": 2, "rejected": 2}
    assert list(books.kept) == [("S1", "2"), ("S1", "3")]


def test_a_space_beside_a_number_makes_no_other_purchase_of_it(tmp_path: Path) -> None:
    books = Books()
    _, rejects = bring_in(csv_file(tmp_path, "S1,P1,2026-11-22,A,1,5.00", "S1,P1 ,,B,1,5.00"), books)
    assert not books.kept
    assert rejected(rejects)[0]["reason"] == "line 3 contradicts line 2 of this purchase"


def test_rows_without_a_purchase_id_are_never_rows_of_one_purchase(tmp_path: Path) -> None:
    nameless, named = "S1,,2026-11-22,A,1,5.00", "S1,P1,2026-11-22,A,1,5.00"
    books = Books()
    bring_in(csv_file(tmp_path, nameless, named, nameless), books)
    assert len(books.kept) == 3


@pytest.mark.parametrize("bad", [b"S1,P1,,caf\xe9,1,5.00", b"S1,P1,,B,1,5.00,extra"])
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_row_that_cannot_be_read_takes_the_others_of_its_purchase_along(
    tmp_path: Path, bad: bytes, place: int
) -> None:
    rows = [b"S1,P1,2026-11-22,A,1,5.00", b"S1,P1,,B,1,5.00"]
    rows.insert(place - 1, bad)
    path = csv_file(tmp_path)
    path.write_bytes(path.read_bytes() + b"\n".join([*rows, b"S1,P2,2026-11-22,A,1,5.00", b""]))
    books = Books()
    totals, rejects = bring_in(path, books)
    assert (list(books.kept), totals.rejected) == ([("S1", "P2")], 1)
    told = {record["line"]: record["reason"] for record in rejected(rejects)}
    assert told.pop(place + 1).startswith(("is not UTF-8", "has 7 cells"))
    assert set(told.values()) == {"another line of this purchase was refused"}


def test_what_is_wrong_with_a_line_stands_at_the_row_of_that_line(tmp_path: Path) -> None:
    good, bad = "S1,P1,2026-11-22,A,1,5.00", "S1,P1,,B,1,5.001"
    _, rejects = bring_in(csv_file(tmp_path, good, bad, good), Books())
    assert [(one["line"], one["field"]) for one in rejected(rejects)] == [(2, ""), (3, "lines[1].amount"), (4, "")]


def test_rows_of_a_purchase_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    _, rejects = bring_in(csv_file(tmp_path, "S1,P1,2026-11-22,A,1,5.00", "S1,P1,2026-11-23,B,1,5.00"), Books())
    assert rejected(rejects)[0]["field"] == "occurred_at"
    assert rejected(rejects)[0]["reason"] == "line 3 contradicts line 2 of this purchase"


def test_the_same_purchase_id_in_two_stores_is_two_purchases(tmp_path: Path) -> None:
    books = Books()
    bring_in(csv_file(tmp_path, "S1,P1,2026-11-22,A,1,5.00", "S2,P1,2026-11-22,A,1,5.00"), books)
    assert list(books.kept) == [("S1", "P1"), ("S2", "P1")]


def test_equal_rows_without_an_id_are_two_purchases_however_often_the_file_is_imported(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "S1,,2026-11-22,A,1,5.00", "S1,,2026-11-22,A,1,5.00")
    books = Books()
    first, _ = bring_in(path, books)
    again, _ = bring_in(path, books)
    assert len(books.kept) == 2
    assert (first.statuses, again.statuses) == ({"posted": 2}, {"replayed": 2})
    assert (first.money_minor, first.points) == (again.money_minor, again.points)


def test_what_the_service_refuses_is_rejected_and_comes_in_once_the_cause_is_gone(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "S1,P1,2026-11-22,A,1,5.00", "S9,P2,2026-11-22,A,1,5.00")
    books, notes = Books(refused=frozenset({"P2"})), Notes()
    totals, rejects = bring_in(path, books, notes)
    assert totals.rejected == 1
    assert rejected(rejects)[0]["reason"] == "no_such_store: There is no such store."
    books.refused = frozenset()
    totals, rejects = bring_in(path, books, notes)
    assert totals.statuses == {"posted": 1, "replayed": 1}
    assert not rejects.exists()


def test_an_import_that_was_cut_off_goes_on_and_ends_with_the_same_totals_and_rejects(tmp_path: Path) -> None:
    rows = [f"S1,P{number},2026-11-22,A,1,{'5.00' if number % 100 else 'five'}" for number in range(1200)]
    whole, whole_rejects = bring_in(csv_file(tmp_path, *rows), Books())
    expected = rejected(whole_rejects)
    books, notes = Books(fails_after=900), Notes()
    with pytest.raises(KeyboardInterrupt):
        bring_in(csv_file(tmp_path, *rows), books, notes)
    books.fails_after = None
    continued, rejects = bring_in(csv_file(tmp_path, *rows), books, notes)
    assert continued == whole
    assert rejected(rejects) == expected
    assert continued.statuses == {"posted": 1188, "rejected": 12}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"amount": "1", "amount": "2"}', 'the key "amount" is there twice in one object: send it once'),
        (b'{"lines": [{"amount": 1.5, "amount": 2}]}', 'the key "amount" is there twice'),
        (b'{"amount": 1, "am\\u006funt": 2}', 'the key "amount" is there twice'),
        (b'{"a": "\xff"}', "not JSON"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested too deeply"),
        (b'{"a": "' + b"x" * 300_000 + b'"}', "longer than 262144 bytes"),
    ],
)
def test_a_line_that_is_no_json_object_is_named_and_the_next_one_is_read(
    tmp_path: Path, text: bytes, reason: str
) -> None:
    path = tmp_path / "history.ndjson"
    path.write_bytes(text + b"\n\n" + json.dumps(body()).encode() + b"\n")
    bad, good = read_rows(path)
    assert bad.unreadable is not None
    assert bad.unreadable.message.startswith(reason)
    assert (bad.number, good.number, good.values["purchase_id"]) == (1, 3, "P1")


def test_numbers_escapes_and_equal_keys_of_two_objects_are_no_double_keys(tmp_path: Path) -> None:
    path = tmp_path / "history.ndjson"
    path.write_text('{"a": {"a": 1.50}, "b": [{"a": "\\"a\\": 1"}, {"a": 2}]}\n', encoding="utf-8")
    (row,) = read_rows(path)
    assert (row.unreadable, row.values) == (None, {"a": {"a": "1.50"}, "b": [{"a": '"a": 1'}, {"a": 2}]})


def test_a_csv_row_with_a_cell_too_many_is_refused_alone(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "S1,P1,2026-11-22,A,1,5.00,extra", "S1,P2,2026-11-22,A,1,5.00")
    totals, rejects = bring_in(path, Books())
    assert totals.statuses == {"posted": 1, "rejected": 1}
    assert rejected(rejects)[0]["reason"] == "has 7 cells, and the first line has 6"


def test_the_number_of_a_csv_row_is_the_line_it_starts_on(tmp_path: Path) -> None:
    path = csv_file(tmp_path, '"S\n1",P1,2026-11-22,A,1,5.00', "S1,P2,2026-11-22,A,1,5.00")
    assert [row.number for row in read_rows(path)] == [2, 4]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("history.xlsx", b"", "unknown_format"),
        ("history.csv", b"", "no_header"),
        ("history.csv", b"a,a\n1,2\n", "column_twice"),
        ("history.csv", b"a\xff\n1\n", "not_utf8"),
        ("history.csv", b'a\n"x\n', "not_csv"),
        ("history.parquet", b"not parquet", "not_parquet"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_refused_with_a_reason(
    tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Invalid) as refusal:
        list(read_rows(tmp_path / name))
    assert refusal.value.code == code


def test_a_csv_row_with_a_byte_that_is_no_character_is_refused_alone(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "S1,P1,2026-11-22,A,1,5.00", "S1,P2,2026-11-22,?,1,5.00", "S1,P3,2026-11-22,茶,1,5.00")
    path.write_bytes(path.read_bytes().replace(b"?", b"caf\xe9"))
    books = Books()
    totals, rejects = bring_in(path, books)
    assert (totals.statuses, totals.rows_read) == ({"posted": 2, "rejected": 1}, 3)
    (record,) = rejected(rejects)
    assert (record["line"], record["field"], record["row"]["sku"]) == (3, "sku", "caf\ufffd")
    assert record["reason"] == "is not UTF-8: byte 0xE9 belongs to no character; save the file as UTF-8"
    assert books.kept["S1", "P3"].purchase.lines[0].sku == "茶"


@pytest.mark.parametrize(
    ("text", "opened", "last"),
    [
        ('a,b\n1,2\n3,"x\n5,6\n', 3, 4),
        ('a,b\n1,2\n3,"x\n5,"y"\n', 3, 4),
        ('a,b\n"1\n1","x\n5,6\n', 3, 4),
        ('a,b\n1,"x"y\n5,6\n', 2, 2),
        ('a,b\n1,7" tea\n2,"7"" tea"\n\n3,"x\n', 5, 5),
        ('a,b\n1,7" "tea\n' + '2,"x\n' + "3,4\n" * 50_000, 3, 32_771),
        ('a,"b\n1,2\n', 1, 2),
    ],
)
def test_a_quote_that_stays_open_is_named_before_anything_is_brought_in(
    tmp_path: Path, text: str, opened: int, last: int
) -> None:
    path = tmp_path / "history.csv"
    path.write_text(text, encoding="utf-8")
    for reading in (count_rows, lambda path: list(read_rows(path))):
        with pytest.raises(Invalid) as refusal:
            reading(path)
        assert refusal.value.code == "not_csv"
        said = refusal.value.detail
        assert said.startswith(f"history.csv, line {opened}: a quote opens here that isn't closed where it should be; ")
        assert f" Line {last}: " in said


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        read_rows(tmp_path / "nothing.csv")


def test_a_parquet_file_may_hold_decimals_doubles_dates_and_times(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    at = datetime(2026, 11, 22, 1, 41, tzinfo=UTC)
    row = {"store": "S1", "purchase_id": "P1", "occurred_at": at, "sku": "A", "quantity": 2, "amount": 0.1 + 0.2}
    row |= {"tax": Decimal("0.02"), "business_day": date(2026, 11, 22), "receipt_number": 42, "fact.miles": 1.5}
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "history.parquet")
    books = Books()
    bring_in(tmp_path / "history.parquet", books)
    (posted,) = books.kept.values()
    assert posted.purchase.occurred_at == at
    assert posted.purchase.lines == (Line("1", "A", 2, 30, tax_minor=2, facts={"miles": Fraction(3, 2)}),)
    assert posted.receipt == Receipt("42", date(2026, 11, 22))


def _parquet_file(directory: Path, *rows: Mapping[str, Any]) -> Path:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        name: [row.get(name, float("nan")) for row in rows] for name in {name: 0 for row in rows for name in row}
    }
    parquet.write_table(pa.table(columns), directory / "history.parquet")
    return directory / "history.parquet"


def test_whole_numbers_that_parquet_holds_as_doubles_are_whole_and_nan_is_missing(tmp_path: Path) -> None:
    day = {"store": "S1", "occurred_at": "2026-11-22", "sku": "A"}
    nan = float("nan")
    one = {**day, "purchase_id": 1001.0, "card": 6300000000000012.0, "quantity": 2.0, "amount": 35.0, "tax": 0.02}
    other = {
        **day,
        "purchase_id": 1002.0,
        "card": nan,
        "quantity": nan,
        "amount": nan,
        "receipt_number": nan,
        "tax": nan,
    }
    books = Books()
    totals, rejects = bring_in(
        _parquet_file(tmp_path, one, other, {**one, "quantity": 2.5, "purchase_id": 1003.0}), books
    )
    (posted,) = books.kept.values()
    assert (posted.purchase_id, posted.member) == ("1001", MemberReference(card="6300000000000012"))
    assert posted.purchase.lines == (Line("1", "A", 2, 3500, tax_minor=2),)
    assert totals.statuses == {"posted": 1, "rejected": 2}
    assert [(one["line"], one["field"], one["reason"].partition(" from")[0]) for one in rejected(rejects)] == [
        (2, "lines[0].quantity", "is missing"),
        (2, "lines[0].amount", "is missing"),
        (3, "lines[0].quantity", "must be a whole number"),
    ]


def test_a_double_that_may_stand_for_several_whole_numbers_is_none_of_them(tmp_path: Path) -> None:
    rows = list(
        read_rows(
            _parquet_file(tmp_path, {"external_id": 2.0**53 - 1}, {"external_id": 2.0**53}, {"external_id": -0.0})
        )
    )
    assert [row.values["external_id"] for row in rows] == [9007199254740991, 2.0**53, 0]
    said = problems_of(read_member(rows[1].values, SHANGHAI, "instead"))[0]
    assert said == ("external_id", "is a double that stands for no one whole number: store it as text")


@given(st.integers(0, 10**12))
def test_any_amount_survives_being_a_double(minor: int) -> None:
    assert minor_of(minor / 100, "USD") == minor


@pytest.mark.parametrize("value", [0.005, 1.001, float("nan"), float("inf"), 1e300])
def test_a_double_that_is_no_amount_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"decimals|not an amount"):
        minor_of(value, "USD")


def test_a_row_is_named_by_the_content_of_its_file_and_its_number(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_bytes(b"a\n")
    other.write_bytes(b"b\n")
    names = {row_id(file_hash(path), number) for path in (one, other) for number in (1, 10**18)}
    assert len(names) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9._~-]{1,64}", name) for name in names)


def test_a_csv_reject_file_has_no_cell_that_a_spreadsheet_would_run(tmp_path: Path) -> None:
    with RejectFile(tmp_path / "rejects.csv") as rejects:
        rejects.add(2, [Problem("=cmd()", "is not a field of this format")], {"=cmd()": "1"})
    header, record = csv.reader((tmp_path / "rejects.csv").read_text(encoding="utf-8").splitlines())
    assert header == ["line", "field", "reason", "row"]
    assert record == ["2", "'=cmd()", "is not a field of this format", '{"=cmd()":"1"}']


def test_progress_says_how_far_it_is_in_a_log_and_nothing_when_quiet(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as stream, progress("purchases", 10, stream) as advance:
        advance(10)
    assert re.fullmatch(r"purchases: 10 of 10, [\d,]+/s, 0:00 left\n", log.read_text())
    with log.open("w") as stream, progress("purchases", 10, stream, quiet=True) as advance:
        advance(10)
    assert log.read_text() == ""


def test_totals_survive_being_stored() -> None:
    totals = Totals(rows_read=3)
    totals.statuses["posted"] += 2
    totals.money_minor["CNY"] += 470
    totals.points["beans"] += 9
    assert Totals.from_json(json.loads(json.dumps(totals.to_json()))) == totals
    assert totals.lines() == [
        ("rows read", "3"), ("purchases in them", "2"), ("posted", "2"), ("money, CNY", "4.70"), ("points, beans", "9"),
    ]  # fmt: skip
    totals.rows_read = 2
    assert totals.lines()[1] == ("posted", "2")


def _many(count: int) -> Iterator[str]:
    return (json.dumps(body(purchase_id=f"P{number}")) for number in range(count))


def test_reading_takes_the_memory_of_a_few_rows(tmp_path: Path) -> None:
    path = tmp_path / "history.ndjson"
    path.write_text("\n".join(_many(20_000)), encoding="utf-8")
    tracemalloc.start()
    assert sum(1 for _ in read_rows(path)) == 20_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
