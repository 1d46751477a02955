"""Holds what a file of balances comes to against what the shop says it must come to: first the file, then what came in."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loyalty_engine.services.imports.identity import file_hash
from loyalty_engine.services.imports.job import Job
from loyalty_engine.services.imports.records import NewBalance
from loyalty_engine.services.imports.rejects import RejectFile
from rules.errors import Conflict


@dataclass(frozen=True, slots=True)
class Difference:
    """A wallet whose points aren't what they must be."""

    wallet: str
    expected: int
    found: int

    def __str__(self) -> str:
        off = self.found - self.expected
        more = "too many" if off > 0 else "missing"
        return f"{self.wallet}: expected {self.expected:,}, found {self.found:,}: {abs(off):,} {more}"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def differences(found: Mapping[str, int], expected: Mapping[str, int]) -> tuple[Difference, ...]:
    """Return the wallets that differ; one that nobody expected must come to nothing."""
    wallets = sorted({*found, *expected})
    all_of_them = (Difference(wallet, expected.get(wallet, 0), found.get(wallet, 0)) for wallet in wallets)
    return tuple(one for one in all_of_them if one.found != one.expected)


def check_file(job: Job[NewBalance], path: Path, rejects_path: Path, expected: Mapping[str, int]) -> None:
    """Add a file up before anything of it is brought in; raises `Conflict` where it doesn't come to what it must.

    Rows that can't be read count for nothing; they are in the reject file then.
    """
    found: Counter[str] = Counter()
    for item in job.read(path, file_hash(path)):
        if item.value is not None:
            found[item.value.wallet] += item.value.points
    wrong = differences(found, expected)
    if not wrong:
        return
    with RejectFile(rejects_path) as rejects:
        for item in job.read(path, file_hash(path)):
            if item.value is None:
                rejects.add(item.rows[0].number, item.problems, item.rows[0].values)
    detail = "Nothing was brought in, for the file doesn't come to what it must."
    raise Conflict("control_totals_differ", detail, {one.wallet: [str(one)] for one in wrong})
