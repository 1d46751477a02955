"""The yardstick for purchases: pgbench sends the statements of one, prepared, and does nothing else."""

import re
import subprocess
from itertools import count
from pathlib import Path

from benchmarks.databases import PostgreSQL
from benchmarks.load import CLIENTS
from benchmarks.setting import FIRST_CARD, HERE, MEMBERS

STATEMENTS = HERE / "purchase.pgbench.sql"
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_FAILED = re.compile(r"number of failed transactions: ([1-9]\d*)")
_runs = count(1)


def run(pgbench: Path, server: PostgreSQL, name: str, sample: dict[str, str], seconds: float) -> float:
    """Return the purchases a second that pgbench writes; `sample` holds a purchase's facts, decisions and answer."""
    given = {
        "first_card": FIRST_CARD,
        "members": MEMBERS,
        "run": next(_runs),
        "n": 0,
        "metric": "points:points",
        **sample,
    }
    defined = [part for key, value in given.items() for part in ("-D", f"{key}={value}")]
    command = [str(pgbench), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(max(1, round(seconds)))]
    command += ["-f", str(STATEMENTS), *defined, *server.client_arguments(name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rate = _RATE.search(done.stdout)
    if done.returncode or rate is None or _FAILED.search(done.stdout):
        raise RuntimeError(f"pgbench failed:\n{done.stdout}\n{done.stderr}")
    return float(rate[1])
