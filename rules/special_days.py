"""On which days a country keeps its holidays, by the names that people call them: the first day of each, every year.

Source: the `holidays` package. It holds a holiday's name in the country's own language and mostly in English, and marks
days that stand in for a Sunday; those are left out. 七夕 and 除夕 are no public holidays: `{lunar: "07-07"}` says them.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Final

_ENGLISH: Final = "en_US"
_KNOWN_FROM, _KNOWN_THROUGH = 2020, 2035
"""The years in which a holiday must be kept once for its name to be known."""
_ASIDE: Final = re.compile(r"[(（]([^()（）]*)[)）]")
_RECKONED: Final = "estimated"
"""What the package says beside the name of a day that only the moon will show."""
_STANDS_IN: Final = re.compile(r"substitut|observed|补|調休|调休", re.IGNORECASE)


def holidays_between(country: str, name: str, first: date, last: date) -> tuple[date, ...]:
    """Return the days from `first` through `last` on which a holiday begins, one in a solar year."""
    years = range(first.year, last.year + 1)
    found = (_first_day(country, name, year) for year in years)
    return tuple(day for day in found if day is not None and first <= day <= last)


@lru_cache(maxsize=1024)
def _first_day(country: str, name: str, year: int) -> date | None:
    """Return the day on which the holiday begins; one that goes on from the year before began there."""
    days = _days(country, year).get(_key(name), frozenset())
    before = _days(country, year - 1).get(_key(name), frozenset()) if date(year, 1, 1) in days else frozenset()
    begins = (day for day in sorted(days) if day - timedelta(days=1) not in days | before)
    return next(begins, None)


def countries() -> Collection[str]:
    """Return the countries whose holidays are known, by their two letters."""
    import holidays

    found: Mapping[str, object] = holidays.list_supported_countries(include_aliases=False)
    return found.keys()


@cache
def holiday_names(country: str) -> frozenset[str]:
    """Return the names of a country's holidays, as they are written; each also without what it says in parentheses."""
    years = range(_KNOWN_FROM, _KNOWN_THROUGH + 1)
    return frozenset(name for year in years for _, names in _calendar(country, year) for name in names)


def is_known(country: str, name: str) -> bool:
    """Tell whether a country keeps a holiday of that name."""
    return any(_key(name) in _days(country, year) for year in range(_KNOWN_FROM, _KNOWN_THROUGH + 1))


@lru_cache(maxsize=256)
def _days(country: str, year: int) -> Mapping[str, frozenset[date]]:
    days: dict[str, set[date]] = {}
    for day, names in _calendar(country, year):
        for name in names:
            days.setdefault(_key(name), set()).add(day)
    return {key: frozenset(found) for key, found in days.items()}


def _calendar(country: str, year: int) -> Iterator[tuple[date, tuple[str, ...]]]:
    # The package costs a third of a second to load: only a programme with a holiday pays for it.
    import holidays

    for language in _languages(country):
        kept = holidays.country_holidays(country, years=year, observed=False, language=language)
        for day, text in kept.items():
            yield day, tuple(name for written in text.split("; ") for name in _names(written))


@cache
def _languages(country: str) -> tuple[str | None, ...]:
    """Return in which languages names are taken; always said, for else the machine's own would decide."""
    import holidays

    plain = holidays.country_holidays(country)
    return tuple({_ENGLISH, plain.default_language} & set(plain.supported_languages)) or (None,)


def _names(written: str) -> Iterator[str]:
    """Yield a name, and where it has another in parentheses each by itself: Chinese New Year, Spring Festival."""
    if _STANDS_IN.search(written):
        return
    yield written
    apart = _ASIDE.findall(written)
    if apart:
        yield _ASIDE.sub("", written).strip()
        yield from (name.strip() for name in apart if name.strip() != _RECKONED)


def _key(name: str) -> str:
    return " ".join(name.replace("’", "'").casefold().split())
