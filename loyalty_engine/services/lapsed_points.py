"""What of a purchase's own points lapsed without being used: nobody is asked for it when the goods come back.

Source: docs/decisions/0084-who-returns-late-owes-nothing-that-lapsed.md.
"""

from loyalty_engine.services.lots import KIND
from loyalty_engine.services.posting import Posting
from loyalty_engine.store import member_lots, postings, survivors
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.postings import Values


def unused(posting: Posting, state: MemberState, stored: Values, wallet: str) -> int:
    """Return the points of a stored purchase's lots that lapsed, less those that staff gave back and earlier returns.

    They may stand with members who were merged into this one.
    """
    connection, posting_id = posting.connection, stored["posting_id"]
    family = survivors.family(connection, state.member_id)
    lapsed = sum(
        points
        for member_id in family
        for lot_id, points in member_lots.lapsed_of(connection, member_id, posting_id, wallet)
        if not any(member_lots.has_entry(connection, one, KIND, lot_id) for one in family)
    )
    if not lapsed:
        return 0
    returns = postings.returns_of(connection, stored["member_id"], posting_id)
    forgiven = sum(
        member_lots.forgiven(connection, member_id, wallet, one["return_id"]) for member_id in family for one in returns
    )
    return max(0, lapsed - forgiven)
