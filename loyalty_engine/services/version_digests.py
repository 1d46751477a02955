"""Lets a version that was changed after it was published be seen: each one's digest covers it and the one before."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

FIRST: Final = ""
"""What stands before the first version's digest."""


def digest(before: str, version: Mapping[str, Any]) -> str:
    """Return the digest of a version (the columns of its row) that follows the version whose digest is `before`."""
    parts = [
        before,
        str(version["version"]),
        _instant(version["effective_at"]),
        _instant(version["published_at"]),
        version["author"],
        version["reason"],
        version["document"],
    ]
    return sha256("\0".join(parts).encode()).hexdigest()


def _instant(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat() if at is not None else ""
