"""How pages say days, numbers and money, in English and Chinese."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from rules.periods import business_day

MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_GROUP: Final = 4


def day(language: str, on: date | str) -> str:
    """Say a day: `31 May 2027`, `2027年5月31日`."""
    on = date.fromisoformat(on) if isinstance(on, str) else on
    if language == "zh":
        return f"{on.year}年{on.month}月{on.day}日"
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def day_of(language: str, at: datetime | str, zone: ZoneInfo) -> str:
    """Say the day of an instant in a time zone."""
    return day(language, business_day(datetime.fromisoformat(at) if isinstance(at, str) else at, zone))


def number(value: int) -> str:
    """Say a number with its sign: `1,243`, `−56`."""
    return f"{value:,}".replace("-", "−")


def money(amount: str) -> str:
    """Say an amount in major units: `1,000.00`."""
    return f"{Decimal(amount):,}"


def change(value: int) -> str:
    """Say what an entry gave or took: `+43`, `−6`."""
    return f"{value:+,}".replace("-", "−")


def groups(text: str) -> str:
    """Set a long number or code apart in groups of four, to be read aloud."""
    plain = text.replace("-", "").replace(" ", "")
    return " ".join(plain[start : start + _GROUP] for start in range(0, len(plain), _GROUP))


def listed(language: str, words: Iterable[str]) -> str:
    """Say several things in a row."""
    return ("、" if language == "zh" else ", ").join(words)
