"""Starts a web server as an operator would, and reads what it costs from /proc: seconds to start, CPU, memory."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

_TICKS = os.sysconf("SC_CLK_TCK")
_START_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    pid: int
    port: int
    started_in: float
    """Seconds until /healthz answered."""

    def cpu_seconds(self) -> float:
        """Return the CPU time that all of its processes have used."""
        return sum(_cpu_seconds(pid) for pid in self._pids())

    def worker_mib(self) -> float:
        """Return the memory in use (RSS) of its largest process, the workers'."""
        return max(_rss_mib(pid) for pid in self._pids())

    def _pids(self) -> list[int]:
        found, pending = [], [self.pid]
        while pending:
            pid = pending.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                pending += map(int, children.read_text().split())
        return found


@contextmanager
def engine(database_url: str) -> Iterator[Server]:
    """Run `loyalty serve` on a database; the log goes nowhere, but is written."""
    loyalty = str(Path(sys.executable).with_name("loyalty"))
    with _running(
        [loyalty, "serve", "--port"], {"LOYALTY_DATABASE_URL": database_url, "LOYALTY_RATE_REQUESTS": "0"}
    ) as server:
        yield server


@contextmanager
def bare() -> Iterator[Server]:
    """Run the bare Flask application behind the same server."""
    with _running([sys.executable, "-m", "benchmarks.serve_bare"], {}) as server:
        yield server


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str]) -> Iterator[Server]:
    port = _free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, str(port)],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_healthy(process, port)
        yield Server(process.pid, port, time.perf_counter() - began)
    finally:
        _stop(process)


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.perf_counter() + _START_LIMIT
    while time.perf_counter() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once with exit code {process.returncode}: {process.args!r}")
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.02)
    raise RuntimeError(f"the server did not answer within {_START_LIMIT} s: {process.args!r}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)
