"""A day of the year in words, in the calendar that it belongs to."""

from loyalty_engine.portal.said import MONTHS
from loyalty_engine.portal.texts import say
from rules.facts import Birthday


def in_words(language: str, day: Birthday) -> str:
    """Say a day: `28 May 1990`, `农历4月8日`; with its year where that is known."""
    if day.calendar == "lunar":
        words = say(language, "date_lunar_leap" if day.leap_month else "date_lunar", month=day.month, day=day.day)
    else:
        month = day.month if language == "zh" else MONTHS[day.month - 1]
        words = say(language, "date_solar", month=month, day=day.day)
    if day.year is None:
        return words
    return f"{day.year}年{words}" if language == "zh" else f"{words} {day.year}"
