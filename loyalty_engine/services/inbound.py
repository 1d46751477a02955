"""Takes what a phone answers: STOP and its kin withdraw every consent to texts in one transaction, START lifts that again.

START gives back what STOP took and no more: who never agreed to marketing has not agreed by starting.
"""

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.channels.twilio_words import asked
from loyalty_engine.services import member_changes
from loyalty_engine.services.actors import Actor
from loyalty_engine.store import members as store
from loyalty_engine.store.members import Consent
from loyalty_engine.store.session import in_transaction, reading

PURPOSES: Final = ("service", "greeting", "marketing")
GATEWAY: Final = Actor("twilio", "service")
STOPPED: Final = "inbound STOP"
_WAS_OPEN: Final = "inbound STOP, open before"
STARTED: Final = "inbound START"


def received(phone: str, text: str) -> bool:
    """Do what a text from `phone` asks for; False where it asks for nothing, or the phone is nobody's."""
    wanted = asked(text)
    if wanted is None:
        return False
    with reading() as connection:
        member_id = store.known_phones(connection, [phone]).get(phone)
    if member_id is None:
        return False
    return in_transaction(lambda connection: _change(connection, member_id, stops=wanted == "stop"))


def _change(connection: sa.Connection, member_id: str, stops: bool) -> bool:
    now = clock.now()
    before = {one.purpose: one for one in store.consents_of(connection, member_id) if one.channel == "sms"}
    words = [(_stopped if stops else _started)(purpose, before.get(purpose), now) for purpose in PURPOSES]
    member_changes.put_consents_in(connection, GATEWAY, member_id, [word for word in words if word is not None])
    return True


def _stopped(purpose: str, before: Consent | None, now: datetime) -> Consent | None:
    if before is not None and not before.given:
        return None
    # Service needs no consent: where nothing was said it is open.
    was_open = before is not None or purpose == "service"
    return Consent("sms", purpose, False, now, _WAS_OPEN if was_open else STOPPED)


def _started(purpose: str, before: Consent | None, now: datetime) -> Consent | None:
    if before is None or before.given or before.proof != _WAS_OPEN:
        return None
    return Consent("sms", purpose, True, now, STARTED)
