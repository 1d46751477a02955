"""Asks a server as fast as eight clients can: wrk where it is installed, else threads with sockets of their own.

wrk costs a few microseconds a request. The threads cost about fifty, on the cores that the server needs too: a ratio
measured with them is lower than it is, and the report says so.
"""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random

from benchmarks.setting import HERE

CLIENTS = 8
Request = Callable[[int, Random], bytes]
"""From a client's number and its dice to the bytes that it sends."""


@dataclass(frozen=True, slots=True)
class Load:
    """One script for wrk with its environment, and the same requests for the threads."""

    script: str
    environment: Mapping[str, str]
    request: Request


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one run; times in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p95: float
    p99: float


def generator() -> str:
    """Say what the load comes from."""
    return "wrk" if shutil.which("wrk") else "the benchmark's own threads, because wrk is not installed"


def run(load: Load, port: int, seconds: float) -> Answered:
    """Let eight clients ask for so many seconds; an answer that is no success ends the benchmark."""
    wrk = shutil.which("wrk")
    return _wrk(wrk, load, port, seconds) if wrk else _threads(load, port, seconds)


def _wrk(wrk: str, load: Load, port: int, seconds: float) -> Answered:
    command = [
        wrk,
        "-t2",
        f"-c{CLIENTS}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "10s",
        "-s",
        str(HERE / load.script),
    ]
    command.append(f"http://127.0.0.1:{port}")
    done = subprocess.run(command, env=os.environ | load.environment, capture_output=True, text=True, check=True)
    line = next((line for line in done.stdout.splitlines() if line.startswith("FIGURES ")), None)
    if line is None:
        raise RuntimeError(f"wrk gave no figures:\n{done.stdout}\n{done.stderr}")
    said = json.loads(line.removeprefix("FIGURES "))
    if said["failed"] or not said["requests"]:
        raise RuntimeError(f"{said['failed']} of {said['requests']} requests failed:\n{done.stdout}")
    rate = said["requests"] / (said["microseconds"] / 1e6)
    return Answered(said["requests"], rate, *(said[name] / 1000 for name in ("p50", "p95", "p99")))


def _threads(load: Load, port: int, seconds: float) -> Answered:
    end = time.perf_counter() + seconds
    took: list[list[float]] = [[] for _ in range(CLIENTS)]
    failed: list[str] = []

    def ask(client: int) -> None:
        dice = Random(client)
        with socket.create_connection(("127.0.0.1", port)) as connection:
            while time.perf_counter() < end and not failed:
                began = time.perf_counter()
                connection.sendall(load.request(client, dice))
                status = _read_answer(connection)
                took[client].append(time.perf_counter() - began)
                if not status.startswith("HTTP/1.1 2"):
                    failed.append(status)

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"the server answered {failed[0]}")
    times = sorted(1000 * one for client in took for one in client)
    rate = len(times) / (time.perf_counter() - began)
    return Answered(len(times), rate, *(times[int(len(times) * part)] for part in (0.5, 0.95, 0.99)))


def _read_answer(connection: socket.socket) -> str:
    """Read one answer to its end; return its first line."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += _received(connection)
    head, _, body = got.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    left = int(lengths[0].partition(b":")[2]) - len(body)
    while left > 0:
        left -= len(_received(connection))
    return head.partition(b"\r\n")[0].decode()


def _received(connection: socket.socket) -> bytes:
    got = connection.recv(65_536)
    if not got:
        raise RuntimeError("the server closed the connection")
    return got


def http(method: str, path: str, token: str, body: str = "") -> bytes:
    """Return a request as bytes."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
    return f"{head}\r\n{body}".encode()


numbers = count(1)
"""For request numbers that never come twice, whichever client takes them."""
