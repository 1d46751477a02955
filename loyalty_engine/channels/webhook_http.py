"""Sends one event to one target over HTTP, signed, and says what came of it; only an answer of 2xx is a delivery.

Nothing is followed, nothing of an answer but its status is read, and no connection is made to where nothing may be sent,
whatever a name resolves to at that moment.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from loyalty_engine.config.webhooks import WebhookTarget, forbidden, is_loopback

SIGNATURE: Final = "Loyalty-Signature"
EVENT_ID: Final = "Loyalty-Event-Id"
CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 10


class _Elsewhere(Exception):
    """The name leads to where nothing may be sent. Not an `OSError`: urllib3 would make something else of that."""


def _checked(connection: Any, host: str) -> Any:
    """Return the socket, unless its other end is somewhere else than a target may be; nothing was sent on it yet."""
    peer = ip_address(str(connection.getpeername()[0]).partition("%")[0])
    if forbidden(peer) or (is_loopback(host) and not peer.is_loopback):
        connection.close()
        raise _Elsewhere
    return connection


class _Connection(HTTPConnection):
    def _new_conn(self) -> Any:
        return _checked(super()._new_conn(), self.host)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> Any:
        return _checked(super()._new_conn(), self.host)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def signature(secrets: Sequence[str], body: bytes, at: datetime) -> str:
    """Return what proves to the receiver who sent `body`, and when: one digest for each secret."""
    stamp = int(at.timestamp())
    signed = b"%d." % stamp + body
    digests = (hmac.new(secret.encode(), signed, sha256).hexdigest() for secret in secrets)
    return ",".join([f"t={stamp}", *(f"v1={digest}" for digest in digests)])


class Sender:
    """Sends to one target over connections that stay open; for one thread."""

    def __init__(self, target: WebhookTarget) -> None:
        self._target = target
        self._session = requests.Session()
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter())

    def send(self, event_id: str, body: bytes, at: datetime) -> str | None:
        """Send one event; return None when it was taken, else why not, in words without anything that was sent."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "loyalty-engine",
            SIGNATURE: signature(self._target.secrets, body, at),
            EVENT_ID: event_id,
        }
        try:
            with self._session.post(
                self._target.url,
                data=body,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as answer:
                return None if 200 <= answer.status_code < 300 else f"it answered {answer.status_code}"
        except requests.RequestException as error:
            return _words(error)
        except _Elsewhere:
            return "its name leads to an address to which nothing is sent"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def _words(error: requests.RequestException) -> str:
    match error:
        case requests.exceptions.SSLError():
            return "its certificate is not right"
        case requests.exceptions.ConnectTimeout():
            return f"no connection within {CONNECT_SECONDS} s"
        case requests.exceptions.Timeout():
            return f"no answer within {READ_SECONDS} s"
        case requests.exceptions.ConnectionError():
            return "no connection"
        case _:
            return type(error).__name__
