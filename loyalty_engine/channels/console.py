"""Prints what would be sent, so that whoever develops or tries it out sees every text and nobody else gets one."""

import sys
from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from typing import IO

from loyalty_engine.channels import Accepted, Listed, Outcome, Outgoing


class Console:
    """Writes to a stream; without one to the process's standard output as it is by then."""

    provider = "console"

    def __init__(self, what: str, stream: IO[str] | None = None) -> None:
        self._what, self._stream, self._lock = what, stream, Lock()

    def send(self, outgoing: Outgoing) -> Outcome:
        """Print the message."""
        said = f"{outgoing.subject}\n{outgoing.text}" if outgoing.subject else outgoing.text
        lines = "".join(f"    {line}\n" for line in said.splitlines())
        stream = self._stream or sys.stdout
        with self._lock:
            stream.write(f"{self._what} to {outgoing.to}\n{lines}")
            stream.flush()
        return Accepted()

    def find(self, to: str, digest: str, since: datetime, until: datetime) -> Sequence[Listed] | None:
        """Remember nothing."""
        return None
