"""Makes identifiers in the application, in the order of time, so that no database has to count."""

import re
from typing import Final

from uuid_utils import uuid7

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_id() -> str:
    """Return a new UUIDv7 as text, lower case with hyphens."""
    return str(uuid7())


def is_id(text: str) -> bool:
    """Tell whether a text has the form of an identifier that `new_id` made."""
    return _ID.fullmatch(text) is not None
