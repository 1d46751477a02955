"""What is asked of who is new: consents with what each means, and the store whose code led here."""

from collections.abc import Mapping
from typing import Final

from loyalty_engine import clock
from loyalty_engine.portal.forms import field
from loyalty_engine.portal.texts import say
from loyalty_engine.services import names
from loyalty_engine.services.imports.records import GivenConsent

CHANNELS: Final = ("sms", "email")
PURPOSES: Final = ("greeting", "marketing")
"""What is asked for: service messages go unless they are refused."""
JOINED_AT: Final = "joined_at"
"""The attribute that holds the store."""


def consents(language: str) -> tuple[GivenConsent, ...]:
    """Return what was ticked. The proof is the sentence that stood beside the box, in the language that was read."""
    at = clock.now()
    return tuple(
        GivenConsent("sms", purpose, True, at, proof(language, purpose))
        for purpose in PURPOSES
        if field(f"sms_{purpose}")
    )


def proof(language: str, purpose: str) -> str:
    """Return how it is known that somebody agreed: on the members' page, to these words."""
    return f"members' page ({language}): {say(language, f'purpose_{purpose}_why')}"


def store_named(store_id: str | None) -> str | None:
    """Return the name of the store that somebody came from; None for one that isn't there."""
    return names.store_names([store_id]).get(store_id) if store_id else None


def where_from(store_id: str | None) -> Mapping[str, str]:
    """Return the attribute that says at which store somebody joined."""
    return {JOINED_AT: store_id} if store_id and store_named(store_id) else {}
