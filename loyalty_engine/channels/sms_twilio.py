"""Texts by Twilio's Messages API, through its own client: handed over once, with a call-back that carries our id."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import requests
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.rest import Client

from loyalty_engine.channels import Accepted, Ambiguous, Listed, Outcome, Outgoing, Refused, digest_of
from loyalty_engine.channels.twilio_errors import meaning
from loyalty_engine.channels.twilio_http import NotSent, Transport
from loyalty_engine.channels.twilio_words import status_of
from loyalty_engine.config import SmsSettings

CALLBACK: Final = "/v1/channels/twilio/status"
_TRIAL: Final = "Sent from your Twilio trial account - "
"""What Twilio puts before every text of a trial account."""
_SID: Final = re.compile(r"(?:SM|MM)[0-9a-f]{32}")
_PAGE: Final = 100
_MOST_LISTED: Final = 1_000


class TwilioSms:
    """A Twilio account, as it is set up."""

    provider = "twilio"

    def __init__(self, settings: SmsSettings, public_url: str, connections: int) -> None:
        self._settings, self._public_url = settings, public_url
        self._transport = Transport(settings.url, connections)
        self._client = Client(settings.account, settings.token, http_client=self._transport, environment={"": ""})

    def send(self, outgoing: Outgoing) -> Outcome:
        """Hand a text over; each call is one HTTP request at most."""
        sender: dict[str, str] = {"from_": self._settings.sender}
        if self._settings.service:
            sender = {"messaging_service_sid": self._settings.service}
        callback = f"{self._public_url}{CALLBACK}/{outgoing.member_id}/{outgoing.message_id}"
        try:
            made = self._client.messages.create(to=outgoing.to, body=outgoing.text, status_callback=callback, **sender)
        except NotSent:
            return Refused("not_connected", permanent=False)
        except (TwilioRestException, TwilioServiceException) as error:
            return self._refusal(error)
        except requests.RequestException as error:
            return Ambiguous("time_out" if isinstance(error, requests.Timeout) else "connection_lost")
        except (ValueError, TypeError, KeyError, AttributeError):
            # The client stumbles over a body that isn't the JSON of a message.
            return Ambiguous("answer_not_read")
        sid = made.sid
        return Accepted(sid) if isinstance(sid, str) and _SID.fullmatch(sid) else Ambiguous("answer_not_read")

    def _refusal(self, error: TwilioRestException | TwilioServiceException) -> Outcome:
        status, code = int(error.status), _code(error)
        said = str(code or status)
        match meaning(status, code):
            case "passing":
                return Refused(said, permanent=False, retry_after=self._transport.retry_after)
            case "permanent":
                return Refused(said, permanent=True)
            case _ if 400 <= status < 500 and status != 408:
                # Not taken, for a reason that we don't know: it stays unsent.
                return Refused(said, permanent=True)
            case _:
                return Ambiguous(said)

    def find(self, to: str, digest: str, since: datetime, until: datetime) -> Sequence[Listed] | None:
        """Ask Twilio's list by number, newest first; text and time are compared here.

        Its own filter by time looks at when a text was sent, and would leave out those that wait in a queue.
        """
        found: list[Listed] = []
        try:
            for one in self._client.messages.stream(to=to, limit=_MOST_LISTED, page_size=_PAGE):
                created = _created(one)
                if created < since:
                    return found
                if created <= until and one.direction != "inbound" and digest_of(_body(one)) == digest:
                    found.append(_listed(one, created))
        except (NotSent, TwilioRestException, TwilioServiceException, requests.RequestException):
            return None
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        return found


def _code(error: TwilioRestException | TwilioServiceException) -> int | None:
    # The client puts the HTTP status where Twilio said no code.
    return error.code if isinstance(error.code, int) and error.code >= 1_000 else None


def _created(one: Any) -> datetime:
    at: datetime = one.date_created
    return at.astimezone(UTC)


def _body(one: Any) -> str:
    return str(one.body).removeprefix(_TRIAL)


def _listed(one: Any, created: datetime) -> Listed:
    error = str(one.error_code) if one.error_code else None
    return Listed(str(one.sid), status_of(str(one.status)) or "accepted", error, created)
