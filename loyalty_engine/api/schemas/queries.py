"""What may stand behind the question mark of an address."""

import re
from typing import Final

from marshmallow import fields, validate

from loyalty_engine.api import values
from loyalty_engine.api.schemas.base import Strict
from loyalty_engine.api.schemas.fields import Checked, Code

MAX_PAGE: Final = 500
_LIMIT: Final = re.compile(r"[1-9][0-9]{0,2}")


def limit(written: str) -> int:
    """Return how many are asked for in one page."""
    if _LIMIT.fullmatch(written) is None or int(written) > MAX_PAGE:
        raise ValueError(f"not a length of page: write a number from 1 to {MAX_PAGE}")
    return int(written)


class StoreQuery(Strict):
    """Where: whoever isn't a terminal has to say it, because a till's numbers are unique in its store only."""

    store = Code(load_default=None)


class ExplanationQuery(StoreQuery):
    """Where, and in which language."""

    language = Checked(values.language, load_default=None)


class PageQuery(Strict):
    """Which part of a list: `next` of one answer is `cursor` of the next request."""

    cursor = Checked(values.phrase, load_default=None)
    limit = Checked(limit, load_default=100, metadata={"type": "integer", "minimum": 1, "maximum": MAX_PAGE})


class LedgerQuery(PageQuery):
    """Which part of a list, and in which language it speaks."""

    language = Checked(values.language, load_default=None)


class LanguageQuery(Strict):
    """In which language; the member's own where none is named."""

    language = Checked(values.language, load_default=None)


class AsOfQuery(Strict):
    """As of the end of which day, in the programme's time zone; as it is now, where none is named."""

    as_of = Checked(values.day, load_default=None, metadata={"format": "date"})


class PeriodQuery(Strict):
    """From one day through another, both included."""

    from_ = Checked(values.day, required=True, data_key="from", metadata={"format": "date"})
    to = Checked(values.day, required=True, metadata={"format": "date"})
    format = fields.String(load_default=None, validate=validate.OneOf(("json", "csv")))


class StatementQuery(PeriodQuery):
    """Which days, in which form and language."""

    format = fields.String(load_default=None, validate=validate.OneOf(("json", "csv", "html")))
    language = Checked(values.language, load_default=None)


class LiabilityQuery(AsOfQuery):
    """As of which day, and in which form."""

    format = fields.String(load_default=None, validate=validate.OneOf(("json", "csv")))


class ParkedQuery(PageQuery):
    """Which of the purchases that are on nobody's account."""

    status = fields.String(required=True, validate=validate.OneOf(("unresolved", "unclaimed")))
