"""CPU microseconds of one purchase in two commits, taken in turns, so that a busy machine slows both alike.

`python -m benchmarks.commits BEFORE [AFTER]`: the limit of 5 % is what a feature may cost the purchase path.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.setting import HERE

_ROUNDS = 5
_MOST = 1.05
_ROOT = HERE.parent
_SCRIPT = HERE / "purchase_cpu.py"


def main() -> int:
    """Measure both commits and compare their medians."""
    parser = argparse.ArgumentParser("python -m benchmarks.commits", description=__doc__)
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", nargs="?", default="HEAD", help="another one")
    asked = parser.parse_args()
    took: dict[str, list[float]] = {asked.before: [], asked.after: []}
    with (
        TemporaryDirectory(prefix="loyalty-bench-") as folder,
        _checked_out(asked.before, Path(folder) / "before") as before,
        _checked_out(asked.after, Path(folder) / "after") as after,
    ):
        for _ in range(_ROUNDS):
            took[asked.before].append(_microseconds(before))
            took[asked.after].append(_microseconds(after))
    for commit, rounds in took.items():
        print(f"{commit}: {median(rounds):.0f} µs ({', '.join(f'{one:.0f}' for one in rounds)})")
    ratio = median(took[asked.after]) / median(took[asked.before])
    print(f"after / before: {ratio:.3f} (at most {_MOST})")
    return 1 if ratio > _MOST else 0


@contextmanager
def _checked_out(commit: str, folder: Path) -> Iterator[Path]:
    subprocess.run(["git", "worktree", "add", "--detach", "--quiet", folder, commit], cwd=_ROOT, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=_ROOT, check=True)


def _microseconds(checkout: Path) -> float:
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    done = subprocess.run([sys.executable, _SCRIPT], cwd=checkout, env=environment, capture_output=True, check=True)
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    sys.exit(main())
