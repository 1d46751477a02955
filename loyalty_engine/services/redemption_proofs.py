"""What proves that a member wants its points used: above the programme's limit a rotating token or a one-time code.

A code is tried in a transaction of its own, which can't be done inside the redemption's: it ends with `CodeToTry`, and
`with_code` tries the code and begins again. Source: RELIABILITY.md, Doors.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import sqlalchemy as sa

from loyalty_engine.services import one_time_codes
from loyalty_engine.services.one_time_codes import REDEMPTION, Right
from rules.errors import Forbidden
from rules.programme import Wallet
from rules.spending import Proved, proofs_needed

T = TypeVar("T")

_REMEDIES: Final[dict[Proved, str]] = {
    "token": "name the member by the token that its page shows",
    "code": "send the member a one-time code, and put it into proof.code",
}


class Shown(NamedTuple):
    """What a redemption brings along: a one-time code, or whether the member was named by the token."""

    code: str | None
    token: bool


class CodeToTry(Exception):
    """The redemption goes on when this member's code was tried and is right."""

    def __init__(self, member_id: str, code: str) -> None:
        super().__init__(member_id)
        self.member_id = member_id
        self.code = code


def with_code(work: Callable[[Right | None], T]) -> T:
    """Do `work`, and where it asks for a code to be tried do it again with the code that was right."""
    try:
        return work(None)
    except CodeToTry as asked:
        member_id, code = asked.member_id, asked.code
    return work(one_time_codes.attempt(member_id, REDEMPTION, code))


def proved(
    connection: sa.Connection, wallet: Wallet, points: int, shown: Shown, member_id: str, right: Right | None
) -> Proved | None:
    """Return what proves the redemption, using a code up; a code that was sent is tried, also where none is needed.

    Raises `Forbidden` (`proof_needed`) where the programme asks for a proof and none that it takes is there.
    """
    given: set[Proved] = set()
    if shown.code is not None:
        if right is None:
            raise CodeToTry(member_id, shown.code)
        one_time_codes.use(connection, right)
        given.add("code")
    if shown.token:
        given.add("token")
    needed = proofs_needed(wallet, points)
    if needed and not needed & given:
        taken = " or ".join(sorted(needed))
        detail = f"{points} points of the wallet {wallet.id} need a proof that the member is there: {taken}."
        raise Forbidden("proof_needed", detail, {"proof": [_REMEDIES[one] for one in sorted(needed)]})
    accepted = needed & given or given
    if "token" in accepted:
        return "token"
    return "code" if accepted else None
