"""The documents say what is true: their links lead somewhere, their programmes work, their codes and figures are right."""

import ast
import json
import pkgutil
import re
from collections.abc import Iterator
from fractions import Fraction
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import loyalty_engine
from loyalty_engine.api.hot import read_quote
from loyalty_engine.api.refusals import STATUSES
from loyalty_engine.config import Settings
from loyalty_engine.services import problems
from loyalty_engine.services.actors import Role
from loyalty_engine.services.parking import DETAILS
from rules.accrual import accrue
from rules.eligible import eligible_amounts, net_amounts
from rules.errors import Refusal
from rules.examples import broken_promises, facts_of
from rules.explain import explain
from rules.facts import MemberFacts
from rules.plan import make_plan
from rules.programme import Programme
from rules.returns import everything, kept, left_after
from rules.trace import trace
from tests.texts import load, read_programme

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GUIDES = DOCS / "guides"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
SOURCES = sorted([*ROOT.glob("rules/**/*.py"), *ROOT.glob("loyalty_engine/**/*.py")])

BLOCK = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\[]*\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(
    r"`((?:rules|loyalty_engine|migrations|tests|benchmarks|docs|tools|requirements)/[\w./-]+\.\w+)`"
)
ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)
CODE = re.compile(r"`([a-z][a-z0-9_]*)`")


def each_document(*names: str) -> Any:
    chosen = [ROOT / name for name in names] or DOCUMENTS
    return pytest.mark.parametrize("document", chosen, ids=lambda path: path.relative_to(ROOT).as_posix())


def blocks(document: Path, language: str) -> list[str]:
    """Return the blocks of code in a language."""
    return [found[3] for found in BLOCK.finditer(document.read_text("utf-8")) if found[1] == language]


def prose(document: Path) -> str:
    """Return a document without its blocks of code."""
    return BLOCK.sub("", document.read_text("utf-8"))


def rows(text: str) -> list[list[str]]:
    """Return the rows of the tables in a text, as cells."""
    return [[cell.strip() for cell in found[1].split("|")] for found in ROW.finditer(text)]


def section(document: Path, title: str) -> str:
    """Return a document's part under a heading, up to the next one of the same depth or above."""
    text = document.read_text("utf-8")
    depth = len(title) - len(title.lstrip("#"))
    start = text.index(f"\n{title}\n")
    end = re.search(rf"^#{{1,{depth}}} ", text[start + len(title) + 2 :], re.MULTILINE)
    return text[start:] if end is None else text[start : start + len(title) + 2 + end.start()]


# Links


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as the usual readers of Markdown make them."""
    titles = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@each_document()
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    for link in LINK.findall(prose(document)):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), f"{document.name}: {link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{document.name}: there is no heading {link}"


@each_document()
def test_every_file_that_is_named_is_there(document: Path) -> None:
    for name in NAMED_FILE.findall(prose(document)):
        assert (ROOT / name).exists() or "results" in name, f"{document.name}: {name} is not there"


def test_every_document_is_in_the_index() -> None:
    index = DOCS / "README.md"
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text("utf-8"))}
    missing = [path.name for path in DOCS.rglob("*.md") if "decisions" not in path.parts and path != index]
    assert [name for name in missing if name not in {path.name for path in linked}] == []


# Programmes


def programmes(document: Path) -> list[str]:
    return [text for text in blocks(document, "yaml") if text.startswith("programme:")]


def parts(document: Path) -> list[str]:
    return [text for text in blocks(document, "yaml") if not text.startswith("programme:")]


WITH_PROGRAMMES = ("docs/guides/marketer.md", "docs/guides/accrual.md")


@each_document(*WITH_PROGRAMMES)
def test_every_whole_programme_reads_and_keeps_its_promises(document: Path) -> None:
    assert programmes(document)
    for text in programmes(document):
        found = read_programme(text)
        assert isinstance(found, Programme), [str(problem) for problem in found]
        assert broken_promises(found) == ()


def rule_around(place: str, part: Any) -> dict[str, Any]:
    """Return a rule with a condition or a filter of the guide in it."""
    gives = {"exclude": {}} if place == "exclude" else {"wallet": "points", "earn": {"points": 1, "each": "purchase"}}
    return {"id": "from-the-guide", **gives, place: part}


def completed(part: dict[str, Any], frame: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the guide put into a small programme, in which everything else is right."""
    document = dict(frame)
    for key, value in part.items():
        if key in ("when", "lines", "exclude") and not isinstance(value, list):
            document["accrual"] = [*document.get("accrual", []), rule_around(key, value)]
        elif key in ("accrual", "wallets", "rewards") and isinstance(document.get(key), list):
            there = {one["id"] for one in value}
            document[key] = [*(one for one in document[key] if one["id"] not in there), *value]
        else:
            document[key] = value
    return document


def frame(document: Path) -> dict[str, Any]:
    """Return the guide's first whole programme, without its examples: its parts are put into it."""
    found = load(programmes(document)[0])
    assert isinstance(found, dict)
    return {key: value for key, value in found.items() if key != "examples"}


PARTS = parts(GUIDES / "marketer.md")


@pytest.mark.parametrize("text", PARTS, ids=lambda text: " ".join(text.split())[:60])
def test_every_part_of_a_programme_in_the_guide_reads(text: str) -> None:
    part = load(text)
    assert isinstance(part, dict), part
    document = completed(part, frame(GUIDES / "marketer.md"))
    found = read_programme(json.dumps(document, default=str))
    assert isinstance(found, Programme), [str(problem) for problem in found]


def kinds_in(reader_table: str, module: str) -> set[str]:
    """Return the keys of a table of readers: the complete list of kinds."""
    return set(getattr(import_module(module), reader_table))


def words_in(parts_of_guide: list[str]) -> set[str]:
    return {key for text in parts_of_guide for key in keys_of(load(text))}


def keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


@pytest.mark.parametrize(
    ("table", "module"),
    [
        ("_OF_PURCHASE", "rules.document_conditions"),
        ("_OF_MEMBER", "rules.document_conditions"),
        ("_LINE_TESTS", "rules.document_filters"),
        ("_DAYS", "rules.document_gifts"),
    ],
)
def test_the_guide_has_an_example_of_every_kind(table: str, module: str) -> None:
    assert kinds_in(table, module) - words_in(PARTS) == set()


def test_the_guide_has_an_example_of_every_way_to_combine_earn_and_lapse() -> None:
    said = words_in(PARTS)
    combining = {"all", "any", "not", "earn", "multiply", "bonus", "exclude", "whole", "by", "at_least", "exclusive"}
    lapsing = {"after", "yearly", "inactivity", "points_of", "rolling", "calendar", "membership", "over"}
    assert (combining | lapsing) - said == set()


# Codes


def refusals() -> dict[str, type[Refusal]]:
    """Return every kind of refusal by the name under which sources raise it."""
    for module in pkgutil.walk_packages(loyalty_engine.__path__, "loyalty_engine."):
        if ".demo" not in module.name:
            import_module(module.name)
    found, todo = {"Refusal": Refusal}, [Refusal]
    while todo:
        for kind in todo.pop().__subclasses__():
            found[kind.__name__] = kind
            todo.append(kind)
    return found


def status_of(kind: type[Refusal]) -> int:
    table = [(edge, status) for edge, status, _ in STATUSES] + [(one, status) for one, status, _ in problems._KINDS]
    return next((status for one, status in table if issubclass(kind, one)), 500)


def raised() -> Iterator[tuple[str, int]]:
    """Yield every code in the source with its HTTP status."""
    kinds = refusals()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            first = node.args[0]
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                continue
            if name in kinds:
                yield first.value, status_of(kinds[name])
            elif name == "refuse_any":
                yield first.value, 422


def told(title: str) -> dict[str, list[str]]:
    """Return the first cells of a table in the guide to errors that are codes, with their rows."""
    listed = [row for row in rows(section(GUIDES / "errors.md", title)) if CODE.fullmatch(row[0])]
    assert len({row[0] for row in listed}) == len(listed), "a code is listed twice"
    return {row[0].strip("`"): row for row in listed}


BY_THE_EDGE = {"no_such_path", "method_not_allowed", "internal_error"}
"""Codes of what is no `Refusal`: loyalty_engine/api/errors.py makes them."""


def test_every_code_in_the_source_is_in_the_guide_to_errors_and_no_other() -> None:
    in_source = {code for code, _ in raised()} | BY_THE_EDGE
    in_guide = set(told("## Codes"))
    assert in_source - in_guide == set(), "write these into docs/guides/errors.md"
    assert in_guide - in_source - set(told("## Why a purchase waits")) == set(), "these are in no source"


def test_every_code_has_the_status_that_the_guide_says() -> None:
    guide = told("## Codes")
    wrong = {code: status for code, status in raised() if str(status) not in guide[code][1]}
    assert wrong == {}


def test_every_reason_for_which_a_purchase_waits_is_in_the_guide_to_errors() -> None:
    assert set(told("## Why a purchase waits")) == {reason for reason in DETAILS if reason}


# Figures


@pytest.fixture
def worked() -> Programme:
    """The programme of the worked example."""
    found = read_programme(programmes(GUIDES / "accrual.md")[0])
    assert isinstance(found, Programme)
    return found


def exact(written: str) -> Fraction:
    return Fraction(written.strip("*"))


def test_the_steps_of_the_worked_purchase_are_right(worked: Programme) -> None:
    plan = make_plan(worked)
    bought, member = facts_of(worked.examples[0], worked)
    steps = {
        step.id if step.kind == "rule" else f"{step.kind} {step.id}": step.points
        for step in trace(plan, bought, accrue(plan, bought, member, {}))
    }
    table = rows(section(GUIDES / "accrual.md", "## 7. Rounding"))[2:]
    *said, (_, total) = table
    assert {name.replace("`", ""): exact(points) for name, points in said} == {
        name: points for name, points in steps.items() if points
    }
    assert sum(steps.values()) == exact(total) == worked.examples[0].gives["beans"]


def test_what_counts_of_each_line_of_the_worked_purchase_is_right(worked: Programme) -> None:
    bought, _ = facts_of(worked.examples[0], worked)
    net = net_amounts(bought)
    eligible = eligible_amounts(bought, worked.wallets[0].basis, net)
    table = rows(section(GUIDES / "accrual.md", "## 1. What counts of each line"))[2:]
    for (line_id, amount, share, _, tax, counts), line, after, counted in zip(
        table, bought.lines, net, eligible, strict=True
    ):
        assert (line_id, exact(amount) * 100, exact(tax) * 100) == (line.line_id, line.amount_minor, line.tax_minor)
        assert (exact(share) * 100, exact(counts) * 100) == (line.amount_minor - after, counted)


def returned_in_turn(programme: Programme, orders: list[dict[str, int] | None]) -> Iterator[int]:
    """Yield the points that are kept after the purchase, and then after each return in turn."""
    plan = make_plan(programme)
    bought, member = facts_of(programme.examples[0], programme)
    accrual = accrue(plan, bought, member, {})
    left = everything(bought)
    yield accrual.points["beans"]
    for units in orders:
        left = left_after(bought, left, units)
        yield kept(plan, bought, accrual.decisions, accrual.points, left).points.get("beans", 0)


def test_the_worked_returns_are_right_in_either_order(worked: Programme) -> None:
    tables = rows(section(GUIDES / "returns.md", "## The example"))
    first, second = tables[2:6], tables[8:10]
    latte, beans = {"1": 1}, {"2": 1}
    forth = list(returned_in_turn(worked, [latte, beans, None]))
    assert [int(row[6]) for row in first] == forth
    assert [int(row[7]) for row in first[1:]] == [before - after for before, after in pairwise(forth)]
    back = list(returned_in_turn(worked, [beans, latte]))
    assert [int(row[2]) for row in second] == back[1:]
    assert [int(row[3]) for row in second] == [before - after for before, after in pairwise(back)]
    assert list(returned_in_turn(worked, [latte | beans]))[1] == forth[2]
    for row in first:
        assert sum(map(exact, row[1:5])) == exact(row[5])


# Settings and roles


def test_the_guide_for_operators_names_every_setting() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "loyalty_engine/config").glob("*.py"))
    named = set(re.findall(r"LOYALTY_[A-Z_]+", source)) - {"LOYALTY_"}
    guide = (GUIDES / "operator.md").read_text("utf-8")
    assert {name for name in named if name not in guide} == set()
    assert Settings().database_url in guide


def test_the_guide_for_operators_names_every_role() -> None:
    guide = section(GUIDES / "operator.md", "## Tokens and roles")
    assert set(Role.__args__) == {row[0].strip("`") for row in rows(guide) if CODE.fullmatch(row[0])}


# People


@each_document("README.zh.md", "docs/guides/member.zh.md", "docs/guides/till.zh.md")
def test_a_chinese_document_is_in_chinese(document: Path) -> None:
    assert len(re.findall(r"[\u4e00-\u9fff]", document.read_text("utf-8"))) > 300


def test_the_programme_in_english_is_spelt_in_one_way() -> None:
    american = re.compile(r"\b[Pp]rogram\b(?! of)")
    found = {path.name: american.findall(prose(path)) for path in DOCUMENTS}
    assert {name: words for name, words in found.items() if words} == {}


# The README


def test_what_the_readme_says_lives_somewhere_lives_there() -> None:
    table = [row for row in rows(section(ROOT / "README.md", "## Where things live"))[2:] if len(row) == 3]
    assert len(table) > 15
    for question, file, name in table:
        path = ROOT / file.split("`")[1]
        defined = rf"^(?:async )?(?:def|class) {name.strip('`')}\b|^{name.strip('`')}\b.*=|^\s+{name.strip('`')},$|import .*\b{name.strip('`')}\b"
        assert re.search(defined, path.read_text("utf-8"), re.MULTILINE), f"{question}: no {name} in {file}"


def test_the_tour_of_the_readme_earns_what_it_says() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    sent = text.split("<<END\n")[1].split("\nEND\n")[0]
    sent = sent.replace("$(date +%s)", "1").replace("${YESTERDAY}", "2026-11-21").replace("$CARD", "6300000000000012")
    bought = read_quote(sent.encode()).purchase
    preset = read_programme((ROOT / "rules/presets/retailer.yaml").read_bytes())
    assert isinstance(preset, Programme)
    plan = make_plan(preset)
    accrual = accrue(plan, bought, MemberFacts(bought.occurred_at.date(), "bronze"), {})
    left = left_after(bought, everything(bought), {"1": 1})
    after = kept(plan, bought, accrual.decisions, accrual.points, left).points
    assert (accrual.points, after) == ({"points": 273}, {"points": 267})
    for language, document in (("en", "README.md"), ("zh", "README.md"), ("zh", "README.zh.md")):
        (wallet,) = explain(plan, bought, accrual, language).wallets
        shown = (ROOT / document).read_text("utf-8")
        assert all(json.dumps(words, ensure_ascii=False) in shown for words in (*wallet.gave, *wallet.gave_nothing[:2]))
