"""What staff do at their desk, chosen by a number: levels by hand, lots given back, balances brought in, suspensions."""

from datetime import timedelta

from loyalty_engine.services import lots, manual_levels, member_changes, openings
from loyalty_engine.services.imports.records import NewBalance
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.manual_levels import ManualLevel
from tests.builders import ADMIN, STAFF, done
from tests.ledger import rows, today

DEEDS = ("level", "reinstate", "open", "suspend", "resume")
_WALLETS = ("leaves", "petals", "stamps")
_LEVELS = ("silver", "gold", "plain", None)


def do(deed: str, member: str, how: int) -> None:
    """Do one of the deeds; raises `Refusal` for what can't be done now."""
    match deed:
        case "level":
            until = today() + timedelta(days=how % 60)
            done(manual_levels.put_in, STAFF, member, ManualLevel(_LEVELS[how % 4], until, "a friend of the house"))
        case "reinstate":
            reinstate(member, how)
        case "open":
            open_balance(member, how)
        case "suspend":
            done(member_changes.suspend_in, STAFF, member, "to be looked at")
        case "resume":
            done(member_changes.resume_in, STAFF, member, "looked at")


def reinstate(member: str, how: int = 0) -> None:
    """Give back what lapsed of one of a member's lots, where any has."""
    query = "SELECT lot_id FROM lots WHERE member_id = :member AND state = 'expired' ORDER BY lot_id"
    if expired := rows(query, member=member):
        lot_id = str(expired[how % len(expired)]["lot_id"])
        done(lots.reinstate_in, STAFF, member, lot_id, "a promise", 1 + how % 40)


def open_balance(member: str, how: int) -> None:
    """Bring a lot in: with an end within days, or none; some wait; the same one comes again."""
    day, source = today(), f"old-{how % 20}"
    ends = None if how % 5 == 0 else day + timedelta(days=4 + how % 3)
    waits = day + timedelta(days=2) if how % 7 == 0 else None
    who = MemberReference(member_id=member)
    lot = NewBalance(who, None, source, _WALLETS[how % 3], 1 + how, day - timedelta(days=400), ends, waits)
    openings.open_many(ADMIN, [lot])
