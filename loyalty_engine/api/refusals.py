"""What only the edge refuses: who isn't known, and what can't be read at all."""

from typing import Final

from rules.errors import Refusal, TooMany


class Unauthorized(Refusal):
    """Nobody that we know asks."""


class Malformed(Refusal):
    """What was sent isn't JSON."""


class TooLarge(Refusal):
    """More was sent than anybody needs to send."""


class WrongMediaType(Refusal):
    """What was sent says that it is something else than what is read here."""


STATUSES: Final[tuple[tuple[type[Refusal], int, str], ...]] = (
    (Unauthorized, 401, "Not known"),
    (Malformed, 400, "Can't be read"),
    (TooLarge, 413, "Too large"),
    (WrongMediaType, 415, "Not read here"),
    (TooMany, 429, "Too many requests"),
)
