"""What a lot was when its member had so many entries: worked out from what entries did to it, never from what it is now.

Source: ARCHITECTURE.md, What is stored ("as of" reads entries up to a `seq`).
"""

from collections.abc import Sequence

from rules.lots import Lot, LotState


def state_then(changes: Sequence[tuple[int, LotState]], now: LotState, seq: int) -> LotState:
    """Return the state of a lot after the entry `seq`; `changes` are (seq, state) of all it ever went through, in order.

    How it was opened stands nowhere: only a pending lot becomes available, and one that never changed is as it was.
    """
    before = [state for at, state in changes if at <= seq]
    if before:
        return before[-1]
    if not changes:
        return now
    return "pending" if changes[0][1] == "available" else "available"


def is_open(lot: Lot) -> bool:
    """Tell whether a lot has points that its member still has."""
    return lot.remaining > 0 and lot.state != "expired"
