"""Tell a vulnerable dependency from a vulnerability service that can't be asked.

pip-audit mixes the two up: where its service knows none of the packages (a
mirror of the package index serves files, but no vulnerability feed) it skips
them all and reports success, and where the service can't be reached it ends
with the same exit code as for a vulnerability. Neither is an answer. Here:

    vulnerabilities found                        listed, exit 1
    nothing could be audited by any service      a loud warning, exit 0 (2 with --strict)
    pip-audit failed for another reason          its own message, exit 2

usage: python tools/audit_dependencies.py [--strict] LOCK...
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Asked in this order; the next only about a lock of which the one before knew nothing.
SERVICES = ("pypi", "osv")
SECONDS = 120
UNREACHABLE = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError|ProxyError|SSLError"
    r"|Could not connect|timed out|\b(403|404|429|5\d\d) (Client|Server) Error"
)


@dataclass(frozen=True)
class Outcome:
    """What one service said about one lock."""

    audited: int
    skipped: tuple[str, ...]
    vulnerable: tuple[str, ...]


class Unreachable(Exception):
    """The service gave no answer; the text says which and why, in one line."""


def parse_report(report: str) -> Outcome:
    """Read pip-audit's JSON report."""
    audited, skipped, vulnerable = 0, [], []
    for dependency in json.loads(report)["dependencies"]:
        if "skip_reason" in dependency:
            skipped.append(dependency["name"])
            continue
        audited += 1
        for found in dependency["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            vulnerable.append(f"{dependency['name']} {dependency['version']}: {found['id']}, fixed in {fixed}")
    return Outcome(audited, tuple(skipped), tuple(vulnerable))


def ask(service: str, lock: Path) -> Outcome:
    """Have pip-audit ask one service about all pinned packages of a lock."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock)]
    command += ["--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    command += ["--vulnerability-service", service, "--format", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Unreachable(f"{service}: no answer within {SECONDS} s") from None
    if done.stdout.lstrip().startswith("{"):
        outcome = parse_report(done.stdout)
        if outcome.audited == 0:
            raise Unreachable(f"{service}: knows none of {len(outcome.skipped)} packages")
        return outcome
    if UNREACHABLE.search(done.stderr):
        raise Unreachable(f"{service}: not reachable")
    sys.stderr.write(done.stderr)
    raise SystemExit(2)


def audit(lock: Path) -> Outcome:
    """Ask one service after the other until one answers."""
    silent = []
    for service in SERVICES:
        try:
            return ask(service, lock)
        except Unreachable as reason:
            silent.append(str(reason))
    raise Unreachable("; ".join(silent))


def main(arguments: Sequence[str]) -> int:
    """Audit every lock named; return the exit code."""
    parser = argparse.ArgumentParser(description="Audit lock files for known vulnerabilities.")
    parser.add_argument("--strict", action="store_true", help="no answer is a failure too")
    parser.add_argument("locks", nargs="+", type=Path, metavar="LOCK")
    options = parser.parse_args(arguments)
    code = 0
    for lock in options.locks:
        try:
            outcome = audit(lock)
        except Unreachable as reason:
            print(f"\n*** WARNING: {lock} was NOT audited for known vulnerabilities.")
            print(f"*** {reason}\n*** Run `make check` where the internet is reachable.\n")
            code = max(code, 2 if options.strict else 0)
            continue
        for line in outcome.vulnerable:
            print(f"{lock}: VULNERABLE {line}")
        if outcome.skipped:
            print(f"*** WARNING: {lock}: not known to the service: {', '.join(outcome.skipped)}")
        found = len(outcome.vulnerable)
        print(f"{lock}: {outcome.audited} packages audited, {found} known vulnerabilities")
        code = max(code, 1 if found else 0)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
