"""How the database came to its tables, one revision after the other."""

from typing import Final

HEAD: Final = "0003"
"""The newest revision: what this code needs. A test holds it to what Alembic finds, so that serving needn't load it."""
