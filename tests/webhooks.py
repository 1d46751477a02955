"""A receiver of webhooks on this machine that can be told to misbehave, and an application whose settings name it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

from flask import Flask

from loyalty_engine.config.webhooks import KINDS, WebhookTarget
from loyalty_engine.services.webhook_delivery import Courier
from tests.ledger import rows

SECRET = "a-secret-of-the-crm"


@dataclass
class Received:
    """One request that came."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told


@dataclass
class Receiver:
    """What a target got, in the order in which it came; `answer` says what status each gets."""

    url: str = ""
    got: list[Received] = field(default_factory=list)
    answer: Callable[[Received], int] = lambda received: 204
    lock: Condition = field(default_factory=Condition)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [one.event for one in self.got]

    def of(self, member: str) -> list[int]:
        """Return the numbers of a member's events, as they came."""
        return [one["event_no"] for one in self.events if one["member_id"] == member]

    def take(self, received: Received) -> int:
        status = self.answer(received)
        with self.lock:
            self.got.append(received)
            self.lock.notify_all()
        return status

    def wait_for(self, events: int) -> None:
        """Wait until so many came."""
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.got) >= events, 60)


@contextmanager
def listening() -> Iterator[Receiver]:
    """Yield a receiver that listens."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.take(Received(dict(self.headers.items()), body))
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", receiver.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None: ...

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def target(url: str, name: str = "crm", kinds: tuple[str, ...] = KINDS) -> WebhookTarget:
    """Return a target as the settings name it."""
    return WebhookTarget(name, url, kinds, (SECRET,))


@contextmanager
def telling(app: Flask, *targets: WebhookTarget) -> Iterator[None]:
    """Let the settings of an application name these targets while the block runs."""
    before = app.extensions["loyalty_settings"]
    app.extensions["loyalty_settings"] = replace(before, webhooks=targets)
    try:
        yield
    finally:
        app.extensions["loyalty_settings"] = before


def deliver(to: WebhookTarget, owner: str = "a-worker") -> int:
    """Go once through what a target waits for."""
    courier = Courier(to, owner)
    try:
        return courier.run()
    finally:
        courier.close()


def outbox() -> list[dict[str, Any]]:
    """Return every event that is kept, its payload read, by member and number."""
    found = rows("SELECT * FROM webhook_events ORDER BY member_id, event_no")
    return [{**one, "member_id": str(one["member_id"]), "payload": json.loads(one["payload"])} for one in found]


def cursors() -> list[dict[str, Any]]:
    """Return how far every target is with each member."""
    return rows("SELECT * FROM webhook_cursors ORDER BY target, member_id")
