"""What Twilio tells us by call-back: whether it was Twilio, what became of a message, and what a phone answered."""

import unicodedata
from collections.abc import Mapping
from typing import Any, Final, Literal

from twilio.request_validator import RequestValidator

_STATUSES: Final = {
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}
STOP: Final = frozenset(
    "stop stopall unsubscribe cancel end quit revoke optout td t r n tdhf tdt tdr tdn"
    " 退订 退订短信 退 取消 取消订阅 拒收 停止 不要 退訂 取消訂閱 停".split()
)
START: Final = frozenset("start unstop yes kt 开通 订阅 恢复 開通 訂閱 恢復".split())
EMPTY: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
"""An answer that lets Twilio send nothing."""


def status_of(word: str) -> str | None:
    """Return one of our statuses for one of Twilio's; None for one that says nothing about a message sent by us."""
    return _STATUSES.get(word.strip().lower())


def asked(text: str) -> Literal["stop", "start"] | None:
    """Return what a text from a phone asks for, however it is typed; None where it is anything else.

    Full-width letters, either case, spaces and punctuation make no difference.
    """
    plain = unicodedata.normalize("NFKC", text[:100]).casefold()
    word = "".join(sign for sign in plain if sign.isalnum())
    if word in STOP:
        return "stop"
    return "start" if word in START else None


def is_signed(token: str, url: str, form: Mapping[str, Any], signature: str | None) -> bool:
    """Tell whether Twilio signed a form that was sent to `url`."""
    # Without a signature the validator raises a TypeError, and without a token everything would be signed by nobody.
    if not token or not signature:
        return False
    return bool(RequestValidator(token).validate(url, form, signature))
