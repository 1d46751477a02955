"""Serves the bare application as `loyalty serve` serves the engine: granian with as many processes and threads."""

import sys
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces

if __name__ == "__main__":
    Granian(
        "benchmarks.bare:create_app",
        factory=True,
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        workers=2,
        blocking_threads=2,
        websockets=False,
        working_dir=Path.cwd(),
    ).serve()
