"""Which gateways a deployment has: one for texts and one for mail, each with its breaker, its rate and its allowlist."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from flask import current_app

from loyalty_engine.channels import Channel
from loyalty_engine.channels.console import Console
from loyalty_engine.config import Settings
from loyalty_engine.services.circuit import Breaker, Bucket

PAGE: Final = 16
"""How many messages are claimed at once. All of them are on their way at once too: what a worker that is killed held may
have been sent, and is not sent again blindly."""
_CONNECTIONS: Final = 3 * PAGE


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway and how it may be used; `name` is the channel that messages go by."""

    name: str
    channel: Channel
    per_second: int = 0
    only_to: frozenset[str] = frozenset()
    """Nobody else is written to, where anybody is named."""
    breaker: Breaker = field(default_factory=Breaker)
    bucket: Bucket = field(default_factory=lambda: Bucket(0))

    def room(self, most: int) -> int:
        """Return how many messages may be taken up now, `most` at most: about a second's worth."""
        match self.breaker.state:
            case "closed":
                return min(most, PAGE, self.per_second or PAGE)
            case "half open":
                return min(most, 1)
            case _:
                return 0

    def may_reach(self, to: str) -> bool:
        """Tell whether the settings let this address be written to."""
        return not self.only_to or to in self.only_to


Gateways = Mapping[str, Gateway]


def gateways() -> Gateways:
    """Return the gateways of the application at work, by channel, made when they are first asked for."""
    extensions = current_app.extensions
    if "loyalty_gateways" not in extensions:
        extensions["loyalty_gateways"] = made(cast(Settings, extensions["loyalty_settings"]))
    return cast(Gateways, extensions["loyalty_gateways"])


def made(settings: Settings) -> Gateways:
    """Return the gateways that the settings ask for."""
    return {gateway.name: gateway for gateway in (_sms(settings), _email(settings))}


def _sms(settings: Settings) -> Gateway:
    found = settings.sms
    if found.gateway == "console":
        return Gateway("sms", Console("SMS"), only_to=found.only_to)
    # The client takes most of a second to import, and only the worker needs it.
    from loyalty_engine.channels.sms_twilio import TwilioSms

    channel = TwilioSms(found, settings.public_url, _CONNECTIONS)
    return Gateway("sms", channel, found.per_second, found.only_to, bucket=Bucket(found.per_second))


def _email(settings: Settings) -> Gateway:
    found = settings.email
    if found.gateway == "console":
        return Gateway("email", Console("Mail"), only_to=found.only_to)
    from loyalty_engine.channels.email_smtp import SmtpMail

    return Gateway("email", SmtpMail(found, settings.public_url), only_to=found.only_to)


def open_circuits() -> tuple[str, ...]:
    """Return the channels whose gateway is left alone at present."""
    return tuple(name for name, gateway in gateways().items() if gateway.breaker.state != "closed")
