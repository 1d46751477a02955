"""Who asks: the holder of a token, with the role and the place that the token gives."""

from dataclasses import dataclass
from typing import Literal

from rules.errors import Forbidden

Role = Literal["terminal", "member", "service", "staff", "marketer", "analyst", "admin"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The holder of a token. A terminal has merchant, store and terminal; a service has its merchant; a member itself."""

    token_id: str
    role: Role
    merchant_id: str | None = None
    store_id: str | None = None
    terminal_id: str | None = None
    member_id: str | None = None

    def __str__(self) -> str:
        """Name the actor in entries and logs: the role and the token, never a person."""
        return f"{self.role}:{self.token_id}"

    def check_everywhere(self) -> None:
        """Refuse whoever belongs to one merchant what concerns every merchant of the programme."""
        if self.merchant_id is not None:
            detail = "This concerns every merchant, and your token belongs to one; use a token without a merchant."
            raise Forbidden("other_merchant", detail)


def command_line(name: str) -> Actor:
    """Return the actor for what an operator does on the command line, or an import."""
    return Actor(token_id=name, role="admin")
