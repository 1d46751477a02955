"""What only the edge refuses: who isn't known, and what can't be read at all."""

from typing import Final

from rules.errors import Refusal


class Unauthorized(Refusal):
    """Nobody that we know asks."""


class Malformed(Refusal):
    """What was sent isn't JSON."""


class TooLarge(Refusal):
    """More was sent than anybody needs to send."""


class WrongMediaType(Refusal):
    """What was sent says that it is something else than what is read here."""


class TooMany(Refusal):
    """Asked more often than `limit` times a minute; `retry_after` is in seconds."""

    def __init__(self, code: str, detail: str, retry_after: int, limit: int) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after
        self.limit = limit


STATUSES: Final[tuple[tuple[type[Refusal], int, str], ...]] = (
    (Unauthorized, 401, "Not known"),
    (Malformed, 400, "Can't be read"),
    (TooLarge, 413, "Too large"),
    (WrongMediaType, 415, "Not read here"),
    (TooMany, 429, "Too many requests"),
)
