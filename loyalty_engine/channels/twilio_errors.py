"""What Twilio's error codes mean for a message: never again, later, or nobody knows and it is not sent again.

Only codes whose meaning is documented stand here (https://www.twilio.com/docs/api/errors). A code that doesn't, an answer
of 5xx and an answer that can't be read are no reason to try again.
"""

from typing import Final, Literal

Meaning = Literal["permanent", "passing", "unknown"]

PERMANENT: Final = {
    20001: "a parameter is wrong",
    20404: "the account isn't there",
    21211: "`To` is no number",
    21217: "the number does not exist",
    21265: "`To` can't be a short code",
    21266: "`To` and `From` are the same",
    21408: "texts to this country are not switched on",
    21602: "the text is empty",
    21604: "`To` is missing",
    21608: "a trial account may only text verified numbers",
    21610: "the phone has sent STOP",
    21612: "no route from this sender to this phone",
    21614: "a landline, or no mobile number",
    21617: "the text is over 1,600 characters",
    21619: "the text is missing",
    21654: "a parameter is missing",
    30004: "the phone blocks texts",
    30005: "the phone is unknown or no longer in use",
    30006: "a landline, or an operator that is out of reach",
    30007: "the operator filtered it",
    30034: "the sender is not registered",
}
"""The gateway refused it, and would again."""

PASSING: Final = {
    20429: "too many requests at once",
    21611: "the sender's queue is full",
    21730: "under maintenance",
    30001: "the queue is full",
    20003: "the account or its token is wrong",
    20005: "the account is not active",
    21212: "`From` is no number",
    21601: "the number is not the account's",
    21603: "`From` is missing",
    21606: "`From` can't send texts",
    21703: "the messaging service has no sender",
    21705: "the messaging service is not valid",
    63038: "the account's daily limit is used up",
}
"""The gateway did not take it, and may later. What is wrong with the account or the sender belongs here: it is wrong for
every message alike, and none of them is to be lost while the operator sets it right."""


def meaning(status: int, code: int | None) -> Meaning:
    """Return what an answer that isn't a success means; `code` is Twilio's own, None where it said none."""
    if status == 429 or (code in PASSING and status < 500):
        return "passing"
    if code in PERMANENT and status < 500:
        return "permanent"
    return "unknown"
