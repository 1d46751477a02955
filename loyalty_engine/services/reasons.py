"""Why a person changed somebody's points: it stands in the ledger for ever, so it may not say who somebody is."""

from typing import Final

from loyalty_engine.services import checking
from loyalty_engine.services.auditing.personal import personal_in
from loyalty_engine.services.checking import Wrong
from rules.errors import Invalid

_REMEDY: Final = "leave telephone numbers and mail addresses out: a ticket's number says as much"


def why(text: str) -> str:
    """Return a reason fit for the ledger; raises `Invalid` for none, and for one that holds personal data."""
    wrong = Wrong()
    found = checking.reason(wrong, "reason", text)
    wrong.refuse_any("reason_missing", "The change")
    if what := personal_in(found):
        raise Invalid("reason_personal", f"The reason holds {what}; it would stay for ever.", {"reason": [_REMEDY]})
    return found
