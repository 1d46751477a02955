"""The households as members: what the grocer knows of them, and the rest invented, the same at every run."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Final, cast

import pyarrow.parquet as pq

from loyalty_engine.services.demo.calendar import SHOP_ZONE, moved
from loyalty_engine.services.demo.files import data_file
from loyalty_engine.services.demo.grocer import DISTRIBUTION, Year
from loyalty_engine.services.demo.names import CHINESE_FAMILY, CHINESE_GIVEN, FAMILY, GIVEN
from loyalty_engine.services.imports.records import GivenConsent, NewMember
from rules.facts import Birthday

_SEED: Final = 20170101
_AREA_CODES: Final = (
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 220, 223, 224, 225, 227, 228,
    229, 231,
)  # fmt: skip
"""With 555-0100 to 555-0199 behind each, numbers that are kept for fiction and are valid nevertheless: 2,500."""

_AGES: Final = {"19-24": (19, 24), "25-34": (25, 34), "35-44": (35, 44), "45-54": (45, 54), "55-64": (55, 64)}
_OLDEST: Final = (65, 85)
_ANY_ADULT: Final = (19, 80)
_KNOWN: Final = ("age", "household_size", "kids_count", "household_comp", "marital_status", "home_ownership", "income")


def external_id(household: int) -> str:
    """Return what a household is called among members."""
    return f"household-{household}"


def members(year: Year) -> Iterator[tuple[int, NewMember]]:
    """Yield each household of the year, by number, with the member that it becomes."""
    known = _demographics()
    first_on = _first_days(year)
    for place, household in enumerate(sorted(first_on)):
        if place >= 100 * len(_AREA_CODES):
            raise ValueError("more households than there are telephone numbers that belong to nobody")
        random = Random(_SEED * 10_000 + household)
        yield household, _member(random, household, place, first_on[household], known.get(household, {}))


def _member(random: Random, household: int, place: int, first_on: date, known: Mapping[str, str]) -> NewMember:
    chinese = random.random() < 0.12
    joined_on = first_on - timedelta(days=random.randint(0, 45))
    return NewMember(
        source=f"{DISTRIBUTION}/{household}",
        external_id=external_id(household),
        phone=f"+1{_AREA_CODES[place // 100]}55501{place % 100:02}",
        name=_name(random, chinese),
        language="zh" if chinese else "en",
        joined_on=joined_on,
        birthday=_birthday(random, chinese, first_on, known.get("age")),
        consents=_consents(random, joined_on),
        attributes={name: value for name, value in known.items() if value},
    )


def _name(random: Random, chinese: bool) -> str:
    if chinese:
        return random.choice(CHINESE_FAMILY) + random.choice(CHINESE_GIVEN)
    return f"{random.choice(GIVEN)} {random.choice(FAMILY)}"


def _birthday(random: Random, chinese: bool, on: date, age: str | None) -> Birthday | None:
    """Return a birthday that fits the age bracket on that day; one in ten isn't known, one in eight lacks its year."""
    if random.random() < 0.1:
        return None
    youngest, oldest = _AGES.get(age, _OLDEST) if age else _ANY_ADULT
    age_reached = on.replace(year=on.year - random.randint(youngest, oldest), day=min(on.day, 28))
    born_on = age_reached - timedelta(days=random.randrange(365))
    year = None if random.random() < 0.125 else born_on.year
    if chinese and random.random() < 0.5:
        return Birthday(born_on.month, min(born_on.day, 29), year, "lunar")
    return Birthday(born_on.month, born_on.day, year)


def _consents(random: Random, joined_on: date) -> tuple[GivenConsent, ...]:
    at = datetime(joined_on.year, joined_on.month, joined_on.day, 17, tzinfo=SHOP_ZONE)
    chances: Sequence[tuple[str, str, float]] = (("sms", "greeting", 0.8), ("sms", "marketing", 0.45))
    return tuple(
        GivenConsent(channel, purpose, random.random() < chance, at, "enrolment form")
        for channel, purpose, chance in chances
    )


def _demographics() -> Mapping[int, Mapping[str, str]]:
    table = pq.read_table(data_file(DISTRIBUTION, "demographics.parquet"), columns=["household_id", *_KNOWN])
    rows = table.to_pylist()
    return {cast(int, row.pop("household_id")): {name: value for name, value in row.items() if value} for row in rows}


def _first_days(year: Year) -> Mapping[int, date]:
    first: dict[int, int] = {}
    for household, second in zip(year.heads.households, year.heads.seconds, strict=True):
        first.setdefault(household, second)
    return {household: moved(second, year.shift).astimezone(SHOP_ZONE).date() for household, second in first.items()}
