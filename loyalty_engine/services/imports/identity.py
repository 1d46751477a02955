"""What names a row that has no id of its own, so that importing its file again adds nothing."""

import hashlib
from base64 import urlsafe_b64encode
from pathlib import Path


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def row_id(file_hash: str, number: int) -> str:
    """Return a purchase id of at most 64 characters from the SHA-256 of a file, in hexadecimal, and a row's number.

    The whole hash stands in it: two files never share an id, and two equal rows of one file don't either.
    """
    return f"{urlsafe_b64encode(bytes.fromhex(file_hash)).decode().rstrip('=')}~{number}"
