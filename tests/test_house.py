"""The house's habits, checked as tests: a rule that nothing checks is a wish.

Imports between packages are import-linter's (setup.cfg). Here is what it can't
say: `rules` imports only what is on a list, asks no clock, reads nothing, and
never touches a float; one module asks the time; files and functions stay of a
size that can be read in one go.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RULES = sorted((ROOT / "rules").rglob("*.py"))
ENGINE = sorted((ROOT / "loyalty_engine").rglob("*.py"))

# What a pure function needs. No module here reads a file, a socket or a clock,
# save `datetime`, whose calls are looked at one by one below.
RULES_MAY_IMPORT = frozenset(
    {
        "__future__",
        "abc",
        "bisect",
        "calendar",
        "collections",
        "contextlib",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "keyword",
        "math",
        "operator",
        "re",
        "string",
        "types",
        "typing",
        "unicodedata",
        "zoneinfo",
        # the two calendars that the standard library lacks
        "holidays",
        "lunardate",
        # document.py only, if it serves
        "marshmallow",
        "rules",
    }
)
# Names that would make a rule's answer depend on something other than its arguments.
IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval", "breakpoint", "__import__", "id", "globals"})
ASKS_THE_TIME = frozenset({"now", "utcnow", "today"})
KEEPS_THE_CLOCK = ROOT / "loyalty_engine" / "clock.py"
# Where money and points are computed or stored. Elsewhere a float may be a
# number of seconds.
COUNTS_MONEY = [
    *RULES,
    *(p for p in ENGINE if p.is_relative_to(ROOT / "loyalty_engine" / "store")),
    *(p for p in ENGINE if p.is_relative_to(ROOT / "loyalty_engine" / "services")),
]

LONGEST_FUNCTION = 50
LONGEST_FILE = 300
# A file or function (path, or path::name) that is better long, and why.
LONG_FOR_A_REASON: dict[str, str] = {}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def complain(path: Path, find: Callable[[ast.Module], Iterator[tuple[int, str]]]) -> None:
    """Fail with one line for each finding, in the form that editors jump to."""
    found = [f"{name_of(path)}:{line}: {message}" for line, message in find(parsed(path))]
    assert not found, "\n" + "\n".join(found)


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[name_of(path) for path in paths])


# --- rules is pure


def imports_not_on_the_list(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["." * node.level + (node.module or "")]
        for module in modules:
            if module.partition(".")[0] not in RULES_MAY_IMPORT:
                yield node.lineno, f"imports {module}, which is not on RULES_MAY_IMPORT's list"


def impure_calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            yield node.lineno, f"calls {node.func.id}(): a rule sees its arguments and no more"


def asks_the_time(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = node.value
        owner_name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        if node.attr in ASKS_THE_TIME and owner_name in {"datetime", "date"}:
            yield node.lineno, f"asks {owner_name}.{node.attr}: the time is an argument"
        if (owner_name, node.attr) in {("time", "time"), ("time", "time_ns")}:
            yield node.lineno, f"asks time.{node.attr}: the time is an argument"


def floats(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
            yield node.lineno, "calls float(): amounts are int, rates Fraction or Decimal"
        annotation = getattr(node, "annotation", None) or getattr(node, "returns", None)
        if isinstance(annotation, ast.Name) and annotation.id == "float":
            yield annotation.lineno, "is annotated float: amounts are int, rates Fraction"


def float_literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"float literal {node.value}: write Fraction or an int"


def float_columns(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        word = getattr(node, "id", None) or getattr(node, "attr", None)
        if word in {"Float", "REAL", "DOUBLE_PRECISION", "Double"}:
            yield getattr(node, "lineno", 0), f"column type {word}: a sum would drift"


@each(RULES)
def test_rules_import_only_what_is_on_the_list(path: Path) -> None:
    complain(path, imports_not_on_the_list)


@each(RULES)
def test_rules_call_nothing_impure(path: Path) -> None:
    complain(path, impure_calls)


@each([path for path in RULES + ENGINE if path != KEEPS_THE_CLOCK])
def test_nobody_but_the_clock_asks_the_time(path: Path) -> None:
    complain(path, asks_the_time)


# --- no floats where money is


@each(RULES)
def test_rules_have_no_float_literal(path: Path) -> None:
    complain(path, float_literals)


@each(COUNTS_MONEY)
def test_money_is_never_made_a_float(path: Path) -> None:
    if path.is_relative_to(ROOT / "rules"):
        complain(path, floats)
    complain(path, float_columns)


# --- readable in one go


def long_functions(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(parsed(path)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > LONGEST_FUNCTION and f"{name_of(path)}::{node.name}" not in LONG_FOR_A_REASON:
            yield node.lineno, f"{node.name} has {lines} lines, over {LONGEST_FUNCTION}"


@each(RULES + ENGINE)
def test_functions_are_short(path: Path) -> None:
    complain(path, lambda _: long_functions(path))


@each(RULES + ENGINE)
def test_files_are_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE or name_of(path) in LONG_FOR_A_REASON, (
        f"{name_of(path)} has {lines} lines, over {LONGEST_FILE}: split it, or say in LONG_FOR_A_REASON why not"
    )


@each(RULES + ENGINE)
def test_a_module_opens_with_the_problem_it_solves(path: Path) -> None:
    tree = parsed(path)
    docstring = ast.get_docstring(tree)
    if not tree.body:
        return  # an empty __init__.py solves none
    assert docstring, f"{name_of(path)}:1: opens with one sentence: which problem it solves"
    assert docstring.splitlines()[0].rstrip().endswith((".", ":", "?", "。")), (
        f"{name_of(path)}:1: the first line of the docstring is one whole sentence"
    )


# --- the checks themselves see what they are meant to see


@pytest.mark.parametrize(
    ("check", "source"),
    [
        (imports_not_on_the_list, "import os"),
        (imports_not_on_the_list, "from sqlalchemy.orm import Session"),
        (imports_not_on_the_list, "def f():\n    import logging"),
        (impure_calls, "open('x')"),
        (asks_the_time, "import datetime\ndatetime.datetime.now(tz)"),
        (asks_the_time, "date.today()"),
        (asks_the_time, "time.time()"),
        (floats, "float('1')"),
        (floats, "def f() -> float: ..."),
        (float_literals, "rate = 0.5"),
        (float_columns, "Column(sa.Float)"),
    ],
)
def test_a_broken_habit_is_found(check: Callable[[ast.Module], Iterator[tuple[int, str]]], source: str) -> None:
    assert list(check(ast.parse(source)))
