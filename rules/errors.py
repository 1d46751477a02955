"""How the rules say no: one refusal raised with a stable code, or many problems handed back as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in something a person wrote.

    `path` names the place (`accrual[2].when.all[0].time.from`), `message` what is wrong there and `remedy` what would
    be right; the remedy is empty where the message already says it.
    """

    path: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}{self.message}" + (f" ({self.remedy})" if self.remedy else "")


class Refusal(Exception):
    """The engine will not do what it was asked, for a reason that the asker can act on.

    `code` is stable and machine-readable (`return_exceeds_purchase`), `detail` a sentence for a person, and `errors`
    maps the path of a field to what is wrong with it. The subclasses are the kinds that an edge tells apart.
    """

    def __init__(self, code: str, detail: str, errors: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors: Mapping[str, Sequence[str]] = errors or {}


class Invalid(Refusal):
    """What was sent can be read, and can't be right."""


class NotFound(Refusal):
    """There is no such thing, or the asker may not know that there is."""


class Conflict(Refusal):
    """It can't be done with things as they are now."""


class Forbidden(Refusal):
    """The asker may not do this."""


class Busy(Refusal):
    """It can't be done this moment; the same request may succeed a little later."""


class TooMany(Refusal):
    """It was asked for more often than `limit` allows; `retry_after` is in seconds."""

    def __init__(self, code: str, detail: str, retry_after: int, limit: int) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after
        self.limit = limit
