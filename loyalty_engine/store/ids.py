"""Makes identifiers in the application, in the order of time, so that no database has to count."""

from uuid_utils import uuid7


def new_id() -> str:
    """Return a new UUIDv7 as text, lower case with hyphens."""
    return str(uuid7())
