"""A local server that speaks Twilio's Messages API and misbehaves when it is told to; the real client talks to it.

`python -m tests.gateways.twilio_server` serves one that always works, until its standard input is closed, and then
says how many messages it took.
"""

import base64
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from uuid import uuid4

from twilio.request_validator import RequestValidator

from loyalty_engine import clock

ACCOUNT, TOKEN = "AC" + "0" * 32, "the token of tests"
PUBLIC_URL = "https://loyalty.example"
_ONE = re.compile(r"/2010-04-01/Accounts/\w+/Messages/(\w+)\.json")
_ALL = re.compile(r"/2010-04-01/Accounts/\w+/Messages\.json")

FAULTS = (
    "dropped", "taken_and_dropped", "hangs", "taken_and_hangs", "429", "500", "taken_and_500", "503", "broken_json",
    "half_an_answer", "unknown_code", "html", "called_back_first", "called_back_twice", "called_back_shuffled",
    "called_back_first_and_dropped",
)  # fmt: skip
"""What can go wrong with one call; `taken…` and `called_back…` have accepted the message."""

Form = dict[str, str]
Deliver = Callable[[str, Form, str], None]
"""Sends a call-back: to which address, what it says, signed how."""


@dataclass
class Taken:
    """A message that the server accepted."""

    sid: str
    to: str
    body: str
    callback: str
    created: datetime
    status: str = "queued"
    error: int | None = None

    @property
    def message_id(self) -> str:
        """Return the engine's own id, which stands in the address of the call-back."""
        return self.callback.rsplit("/", 1)[-1]

    def told(self) -> dict[str, Any]:
        """Return it as Twilio writes it."""
        at = format_datetime(self.created)
        uri = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{self.sid}.json"
        return {
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": self.body, "date_created": at,
            "date_sent": None, "date_updated": at, "direction": "outbound-api", "error_code": self.error,
            "error_message": None, "from": "+15005550006", "messaging_service_sid": None, "num_media": "0",
            "num_segments": "1", "price": None, "price_unit": "USD", "sid": self.sid, "status": self.status,
            "subresource_uris": {}, "to": self.to, "uri": uri,
        }  # fmt: skip


@dataclass
class TwilioServer:
    """What it was asked for and took; `fault` says for a form what goes wrong, None for nothing."""

    fault: Callable[[Form], str | None] = lambda form: None
    deliver: Deliver | None = None
    hang_seconds: float = 1.0
    retry_after: int = 1
    taken: list[Taken] = field(default_factory=list)
    asked: list[Form] = field(default_factory=list)
    listed: int = 0
    error: tuple[int, int] = (400, 21211)
    """Status and code of the fault `refused`."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""
    page_size: int = 50

    def take(self, form: Form) -> Taken:
        """Accept a message."""
        made = Taken(f"SM{uuid4().hex}", form["To"], form["Body"], form.get("StatusCallback", ""), clock.now())
        with self.lock:
            self.taken.append(made)
        return made

    def call_back(self, one: Taken, *statuses: str, error: int | None = None) -> None:
        """Tell the engine what became of a message, signed as Twilio signs."""
        for status in statuses:
            one.status, one.error = status, error
            form = {"MessageSid": one.sid, "MessageStatus": status, "To": one.to, "AccountSid": ACCOUNT}
            if error is not None:
                form["ErrorCode"] = str(error)
            if self.deliver is not None:
                self.deliver(one.callback, form, signature(one.callback, form))


def signature(url: str, form: Form, token: str = TOKEN) -> str:
    """Return Twilio's signature of a form sent to `url`."""
    made: str = RequestValidator(token).compute_signature(url, form)
    return made


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    twilio: TwilioServer

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        form = dict(parse_qsl(raw, keep_blank_values=True))
        expected = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {expected}":
            return self._say(401, {"code": 20003, "message": "Authenticate", "status": 401})
        if not _ALL.fullmatch(urlsplit(self.path).path):
            return self._say(404, {"code": 20404, "message": "not found", "status": 404})
        with self.twilio.lock:
            self.twilio.asked.append(form)
        return self._answer(form, self.twilio.fault(form))

    def _answer(self, form: Form, fault: str | None) -> None:
        server = self.twilio
        if fault in ("429", "500", "503", "unknown_code", "html", "refused", "dropped", "hangs"):
            return self._without_taking(fault)
        one = server.take(form)
        if fault and fault.startswith("called_back_first"):
            server.call_back(one, "sent", "delivered")
        if fault in ("taken_and_dropped", "called_back_first_and_dropped"):
            return self._drop()
        if fault == "taken_and_hangs":
            return self._hang()
        if fault == "taken_and_500":
            return self._say(500, {"code": 20500, "message": "Internal error", "status": 500})
        if fault in ("broken_json", "half_an_answer"):
            return self._write(201, (json.dumps(one.told()) if fault == "broken_json" else "{}").encode()[:40])
        self._say(201, one.told())
        if fault == "called_back_twice":
            server.call_back(one, "sent", "sent", "delivered", "delivered")
        elif fault == "called_back_shuffled":
            server.call_back(one, "delivered", "queued", "sent")
        return None

    def _without_taking(self, fault: str) -> None:
        match fault:
            case "429":
                headers = {"Retry-After": str(self.twilio.retry_after)}
                return self._say(429, {"code": 20429, "message": "Too many requests", "status": 429}, headers)
            case "unknown_code":
                return self._say(400, {"code": 99999, "message": "Something new", "status": 400})
            case "refused":
                status, code = self.twilio.error
                return self._say(status, {"code": code, "message": "No", "status": status})
            case "html":
                return self._write(403, b"<html>Forbidden</html>")
            case "dropped":
                return self._drop()
            case "hangs":
                return self._hang()
            case _:
                return self._write(int(fault), b"upstream")

    def _drop(self) -> None:
        self.close_connection = True

    def _hang(self) -> None:
        time.sleep(self.twilio.hang_seconds)
        self._drop()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if found := _ONE.fullmatch(parts.path):
            one = next((one for one in self.twilio.taken if one.sid == found[1]), None)
            return (
                self._say(200, one.told()) if one else self._say(404, {"code": 20404, "message": "no", "status": 404})
            )
        return self._list({name: values[0] for name, values in parse_qs(parts.query).items()})

    def _list(self, query: Form) -> None:
        server = self.twilio
        server.listed += 1
        size, page = min(int(query.get("PageSize", "50")), server.page_size), int(query.get("Page", "0"))
        with server.lock:
            found = [one for one in reversed(server.taken) if query.get("To") in (None, one.to)]
        there = found[page * size : (page + 1) * size]
        following = urlencode(query | {"Page": str(page + 1)}) if len(found) > (page + 1) * size else None
        uri = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        told = {"messages": [one.told() for one in there], "page": page, "page_size": size, "uri": uri}
        self._say(200, told | {"next_page_uri": f"{uri}?{following}" if following else None})

    def _say(self, status: int, told: dict[str, Any], headers: Form | None = None) -> None:
        self._write(status, json.dumps(told).encode(), headers)

    def _write(self, status: int, body: bytes, headers: Form | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what is tried here."""


@contextmanager
def serving(server: TwilioServer | None = None) -> Iterator[TwilioServer]:
    """Serve on a free port of this machine while the block runs."""
    server = server or TwilioServer()
    http = _Http(("127.0.0.1", 0), type("Handler", (_Handler,), {"twilio": server}))
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def older(one: Taken, by: timedelta) -> None:
    """Let a message have been taken earlier."""
    one.created -= by


def main() -> None:
    """Serve until standard input ends."""
    with serving() as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
        sys.stdout.write(f"{len(server.taken)}\n")


if __name__ == "__main__":
    main()
