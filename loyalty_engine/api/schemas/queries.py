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


class ParkedQuery(PageQuery):
    """Which of the purchases that are on nobody's account."""

    status = fields.String(required=True, validate=validate.OneOf(("unresolved", "unclaimed")))
