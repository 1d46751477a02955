"""Installed from a wheel, away from its source, the engine must have all it needs.

Migrations, preset programmes, templates and translations are no Python code:
nothing complains when a wheel leaves them out, until a shop installs it.
"""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("rules", "loyalty_engine", "migrations")
NOT_SHIPPED = {"__pycache__"}


def files_of_the_packages() -> list[str]:
    """Every file under the packages, as git would see them: paths relative to the root."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and not NOT_SHIPPED.intersection(path.parts)
    )


@dataclass(frozen=True)
class Built:
    """A wheel's files, and those that its packages had when it was built."""

    names: frozenset[str]
    expected: frozenset[str]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A wheel built as pip builds it, from a copy, with nothing downloaded."""
    source = tmp_path_factory.mktemp("source")
    expected = files_of_the_packages()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", *expected):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    into = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(into), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(into.glob("*.whl"))) as archive:
        return Built(frozenset(archive.namelist()), frozenset(expected))


def test_a_wheel_carries_every_file_of_the_packages(wheel: Built) -> None:
    missing = sorted(wheel.expected - wheel.names)
    assert not missing, f"not in the wheel; see package_data in setup.cfg: {missing}"


def test_a_wheel_carries_nothing_else(wheel: Built) -> None:
    top = {name.partition("/")[0] for name in wheel.names}
    assert {name for name in top if not name.endswith(".dist-info")} <= set(PACKAGES)


def test_type_checkers_see_the_types(wheel: Built) -> None:
    assert {"rules/py.typed", "loyalty_engine/py.typed"} <= wheel.names
