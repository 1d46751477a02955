"""Whatever text a person hands in, the answer is plain exact data, or one problem with its line and column."""

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.services.documents import MAX_BYTES, preset
from rules.document import read
from rules.programme import Programme
from tests.texts import load, read_programme


def problem(text: str | bytes) -> str:
    """Return the one problem of a text."""
    found = load(text)
    assert isinstance(found, tuple), found
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("on: yes\noff: no\ny: n", {"on": "yes", "off": "no", "y": "n"}),
        ("a: true\nb: False\nc: ~\nd:\ne: null", {"a": True, "b": False, "c": None, "d": None, "e": None}),
        ("a: 1.50", {"a": Decimal("1.50")}),
        ("a: .5\nb: -1e3\nc: 0042", {"a": Decimal("0.5"), "b": Decimal("-1e3"), "c": 42}),
        ("a: '1.50'\nb: \"12\"", {"a": "1.50", "b": "12"}),
        ("a: 2026-12-01\nb: 2026-12-01T00:00:00Z", {"a": "2026-12-01", "b": "2026-12-01T00:00:00Z"}),
        ("a: 07:30\nb: 190:20:30", {"a": "07:30", "b": "190:20:30"}),
        ("a: 50%\nb: ¥5 off", {"a": "50%", "b": "¥5 off"}),
        ("a: 0x1F\nb: 0o17\nc: 1_000", {"a": "0x1F", "b": "0o17", "c": "1_000"}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("%YAML 1.1\n---\non: 012", {"on": 12}),
        ("- [a, {b: c}]\n- |\n  two\n  lines\n", [["a", {"b": "c"}], "two\nlines\n"]),
        ('{"a": 1.10, "b": [true, null, 12345678901234567890]}', {"a": Decimal("1.10"), "b": [True, None, 12345678901234567890]}),
        ("\ufeff{}", {}),
        ("", None),
        (b"a: \xe8\xa1\x97", {"a": "街"}),
    ],
)  # fmt: skip
def test_yaml_and_json_are_read_as_exact_plain_data(text: str | bytes, data: Any) -> None:
    found = load(text)
    assert found == data
    assert repr(found) == repr(data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", 'line 3, column 1: the key "a" is there twice (keep one)'),
        ('{"a": 1,\n "b": {"c": 1, "c": 2}}', 'line 2, column 16: the key "c" is there twice (keep one)'),
        ("a: &x [1]\nb: *x", "line 1, column 4: anchors and aliases are not read (write it out)"),
        ("a: *x", "line 1, column 4: anchors and aliases are not read (write it out)"),
        ("a: !!python/object:os.system x", 'line 1, column 4: the tag "tag:yaml.org,2002:python/object:os.system" is not read (leave it out)'),
        ("a: !include x", 'line 1, column 4: the tag "!include" is not read (leave it out)'),
        ("a: .nan", "line 1, column 4: .nan is not a number that can be counted with (write digits)"),
        ("a: -.inf", "line 1, column 4: -.inf is not a number that can be counted with (write digits)"),
        ('{"a": NaN}', "NaN is not a number that can be counted with (write digits)"),
        ('{"a": -Infinity}', "-Infinity is not a number that can be counted with (write digits)"),
        ("a: [1", "line 1, column 6: this can't be read as YAML: expected ',' or ']', but got '<stream end>'"),
        ("a:\n\tb: 1", "line 2, column 1: this can't be read as YAML: found character '\\t' that cannot start any token"),
        ("a: 1\n---\nb: 2", 'line 2, column 1: a second document starts here (leave out the "---")'),
        ("? [a]\n: b", "line 1, column 3: a key can't be a mapping or a list (write a word)"),
        ("a: " + "9" * 101, "line 1, column 4: a number of 101 digits is too long"),
        ("a: 1e" + "9" * 30, "line 1, column 4: 1e" + "9" * 30 + " is larger than any number"),
        (b"\xff\xfe", "the text is not UTF-8 (save it as UTF-8)"),
        ("\ud800", "the text is not UTF-8 (save it as UTF-8)"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_one_problem_with_its_line_and_column(text: str | bytes, expected: str) -> None:
    assert problem(text) == expected


def test_a_document_may_have_256_kib_and_not_a_byte_more() -> None:
    assert load("#" + "x" * (MAX_BYTES - 1)) is None
    assert problem("#" + "x" * MAX_BYTES).startswith("the document has 262145 bytes; at most 262144")
    assert "bytes" in problem("#" + "街" * (MAX_BYTES // 3 + 1))


@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ("{a: ", "}"), ('{"a":', "}")])
def test_a_document_may_nest_40_deep_and_no_deeper(opens: str, closes: str) -> None:
    assert not isinstance(load(opens * 40 + "1" + closes * 40), tuple)
    assert problem(opens * 41 + "1" + closes * 41).endswith("the document nests deeper than 40")


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "{" * 100_000, "- " * 100_000, '{"a":' * 50_000, '"' + "\\" * 200_000, "!" * 200_000, "%" * 200_000, "a: " * 80_000, "&a " * 80_000, "? " * 100_000],
    ids=lambda text: text[:6],
)  # fmt: skip
def test_a_text_that_wants_to_explode_is_a_problem_soon(text: str) -> None:
    started = time.monotonic()
    assert problem(text)
    assert time.monotonic() - started < 20


_NASTY = st.sampled_from(
    ["\t", "\n", " ", "- ", "? ", ": ", "&a ", "*a", "!!", "|", ">", "%", "@", "`", "'", '"', "\\", "\\U00110000", "{", "}",
     "[", "]", ",", "#", "---", "...", "<<", "\ufeff", "\u2028", "\x85", "\x00", "\ud800", "1e9", ".nan", "0x", "~", "a", "街"]
)  # fmt: skip


@given(st.text() | st.lists(_NASTY, max_size=20).map("".join))
def test_any_text_is_answered(text: str) -> None:
    found = load(text)
    assert not isinstance(found, tuple) or problem(text)


@given(st.binary())
def test_any_bytes_are_answered(raw: bytes) -> None:
    load(raw)


@given(st.data())
def test_a_preset_with_a_few_characters_changed_is_answered(data: st.DataObject) -> None:
    text = preset("retailer")[:1500]
    place = data.draw(st.integers(0, len(text)))
    changed = text[:place] + data.draw(_NASTY) + text[place + data.draw(st.integers(0, 3)) :]
    found = load(changed)
    assert isinstance(found, tuple) or isinstance(read(found), tuple | Programme)


def test_a_programme_is_read_from_its_text_with_the_problems_of_either_step() -> None:
    assert isinstance(read_programme(preset("retailer")), Programme)
    assert [str(one) for one in as_problems("a: [")] != []
    assert 'programme: "programme" is missing' in [str(one) for one in as_problems("money: CNY")]


def as_problems(text: str) -> tuple[Any, ...]:
    """Return the problems of a text that is no programme."""
    found = read_programme(text)
    assert isinstance(found, tuple)
    return found
