"""What was measured, as rows that say whether they are good enough, and as the files that remember them."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.setting import HERE

_RESULTS = HERE / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured; with a limit it passes or fails, without one it is for information."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """Tell whether the limit is kept; None where there is none."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    rows = ["| what | measured | limit | |", "|---|---:|---:|---|"]
    return "\n".join([*rows, *(_row(figure) for figure in figures)])


def _row(figure: Figure) -> str:
    limit = ""
    if figure.at_least is not None:
        limit = f"≥ {figure.at_least:,g}"
    elif figure.at_most is not None:
        limit = f"≤ {figure.at_most:,g}"
    verdict = {True: "pass", False: "**FAIL**", None: ""}[figure.passed]
    said = " ".join(part for part in (verdict, figure.note) if part)
    return f"| {figure.name} | {_number(figure.value)} {figure.unit} | {limit} | {said} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write(figures: Sequence[Figure], notes: Sequence[str]) -> Path:
    """Write the table and the same as JSON to results/<date>-<commit>; return the table's path."""
    _RESULTS.mkdir(exist_ok=True)
    commit = _commit()
    stem = f"{datetime.now(UTC):%Y-%m-%d}-{commit}"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    said = "\n".join(f"- {note}" for note in (machine, *notes))
    path = _RESULTS / f"{stem}.md"
    path.write_text(f"# Benchmark of {commit}\n\n{said}\n\n{table(figures)}\n")
    data = {"commit": commit, "machine": machine, "notes": list(notes)}
    rows = [asdict(figure) | {"passed": figure.passed} for figure in figures]
    (_RESULTS / f"{stem}.json").write_text(json.dumps(data | {"figures": rows}, indent=2, ensure_ascii=False) + "\n")
    return path


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "no-commit"
