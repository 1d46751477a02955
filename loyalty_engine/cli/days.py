"""Days as an operator types them."""

import re
from datetime import date
from typing import Any, Final

import click

_DAY: Final = re.compile(r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}")


class Day(click.ParamType[date]):
    """A day such as 2026-11-22, of the years 1900 to 2199."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value if _DAY.fullmatch(value) else "")
        except ValueError:
            return self.fail("must be a day such as 2026-11-22", param, ctx)


DAY: Final = Day()
