"""Carries the twilio client's requests: with time-outs, over kept connections, once, and knowing what was certainly not sent."""

import logging
from threading import local
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from loyalty_engine.config import TWILIO

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 15

_silent: Final = logging.getLogger("loyalty_engine.twilio")
"""The client would log numbers and texts."""
_silent.setLevel(logging.CRITICAL + 1)


class NotSent(Exception):
    """No byte of the request reached the gateway."""


class Transport(HttpClient):  # type: ignore[misc]
    """What the twilio client speaks HTTP with."""

    def __init__(self, base_url: str, connections: int) -> None:
        super().__init__(_silent, False, READ_SECONDS)
        self._base_url = base_url
        self._answered = local()
        self._session = requests.Session()
        # No `.netrc`, and to this machine no proxy: what is asked goes where the settings say.
        self._session.trust_env = base_url.startswith("https://")
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def request(self, method: str, uri: str, **options: Any) -> Response:
        """Send one request and return its answer; raises `NotSent`, and `requests.RequestException` where nobody knows."""
        self._answered.retry_after = None
        kept = {name: options.get(name) for name in ("params", "data", "headers", "auth")}
        url = self._base_url + uri.removeprefix(TWILIO)
        try:
            answer = self._session.request(
                method.upper(), url, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, **kept
            )
        except requests.ConnectionError as error:
            if _never_connected(error):
                raise NotSent from error
            raise
        self._answered.retry_after = _seconds(answer.headers.get("Retry-After"))
        return Response(answer.status_code, answer.text, answer.headers)

    @property
    def retry_after(self) -> int | None:
        """Return for how many seconds the answer to this thread's last request asked to be left alone."""
        found: int | None = self._answered.retry_after
        return found


def _never_connected(error: requests.ConnectionError) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _seconds(text: str | None) -> int | None:
    """Read `Retry-After`; a date, which Twilio never says, counts as nothing said."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 6):
        return None
    return int(text)
