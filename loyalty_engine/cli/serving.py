"""`loyalty serve`: the API behind granian, with as many processes and threads as the database bears."""

import gc
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

import click
from flask import Flask
from granian import Granian
from granian.constants import Interfaces

from loyalty_engine import create_app
from loyalty_engine.cli.output import engine, settings
from loyalty_engine.config import sqlite_path
from loyalty_engine.services import readiness

HOST, PORT = "127.0.0.1", 8000
_LOYALTY: Final = (sys.executable, "-m", "loyalty_engine.cli")
_SECONDS_TO_END: Final = 30


@click.command()
@click.option("--host", default=HOST, show_default=True, help="The address to listen on; 0.0.0.0 for all.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(1, 65_535))
@click.option("--workers", type=click.IntRange(1, 64), help="Processes; 2 on PostgreSQL, always 1 on SQLite.")
@click.option("--threads", type=click.IntRange(1, 64), help="Threads of each; 2 on PostgreSQL, 4 on SQLite.")
@click.option("--with-worker", is_flag=True, help="Run `loyalty worker` beside it, until it ends.")
def serve(host: str, port: int, workers: int | None, threads: int | None, with_worker: bool) -> None:
    """Serve the API until it is interrupted."""
    with _without_collection(), engine() as app:
        readiness.check()
    _checked.append(app)
    with _worker_beside() if with_worker else nullcontext():
        run(host, port, workers, threads)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Make what lives as long as the process, without looking for garbage among it then or ever after."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


@contextmanager
def _worker_beside() -> Iterator[None]:
    worker = subprocess.Popen([*_LOYALTY, "worker"])
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(_SECONDS_TO_END)


_checked: list[Flask] = []
"""The application that was found ready: the processes that granian forks inherit it, without its connections."""


def application() -> Flask:
    """Return the application that a serving process answers with."""
    return _checked[0] if _checked else create_app()


def check_port(host: str, port: int) -> None:
    """Make sure that nobody else listens there, before anything long is begun."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"can't listen on {host}:{port}: {error.strerror}; free the port, or choose another with --port (make run ARGS='--port 8001')"
            ) from None


def start_anew(host: str, port: int) -> None:
    """Become `loyalty serve`: its processes are to be as small as if nothing had been imported before."""
    sys.stdout.flush()
    os.execv(sys.executable, [*_LOYALTY, "serve", "--with-worker", "--host", host, "--port", str(port)])


def run(host: str, port: int, workers: int | None = None, threads: int | None = None) -> None:
    """Serve until interrupted. SQLite has one process: several would wait for each other (SPEED.md)."""
    check_port(host, port)
    found = settings()
    is_sqlite = sqlite_path(found.database_url) is not None
    # The processes that granian starts read the environment anew, maybe elsewhere.
    os.environ["LOYALTY_DATABASE_URL"] = found.database_url
    Granian(
        "loyalty_engine.cli.serving:application",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1 if is_sqlite else workers or 2,
        blocking_threads=threads or (4 if is_sqlite else 2),
        websockets=False,
        working_dir=Path.cwd(),
    ).serve()
