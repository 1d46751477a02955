"""The yardstick of the benchmark can't drift: pgbench sends what posting a purchase sends, in the same order."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from benchmarks.pgbench import STATEMENTS
from benchmarks.purchases import purchase_body
from benchmarks.setting import FIRST_CARD, HERE
from loyalty_engine import clock
from loyalty_engine.api.hot import read_purchase
from loyalty_engine.services import enrolment, publishing, purchases
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.store.on_postgresql import Prepared
from tests.builders import ADMIN, TILL, done, open_store

Shape = tuple[str, str, str]
_SHAPE = re.compile(
    r"(SELECT) (?P<read>.+?) FROM (?P<from>\w+)|(INSERT INTO|UPDATE) (?P<into>\w+) (?:\((?P<columns>.+?)\))?"
)


def shape(text: str) -> Shape:
    """Return the kind of a statement, its table and what it reads or writes."""
    found = _SHAPE.match(re.sub(r"\$\d+::\w+", "0", " ".join(text.split())))
    assert found, text
    kind = found[1] or found[4]
    return kind, found["from"] or found["into"], found["read"] or found["columns"] or ""


def committed() -> list[Shape]:
    """Return the shapes of the statements that pgbench sends."""
    lines = STATEMENTS.read_text().splitlines()
    text = "\n".join(
        ";" if line.startswith("\\gset") else line for line in lines if not line.startswith(("--", "\\set"))
    )
    statements = [part.strip() for part in text.split(";")]
    return [shape(part) for part in statements if part not in ("", "BEGIN", "COMMIT")]


@pytest.fixture
def issued(monkeypatch: pytest.MonkeyPatch) -> list[Shape]:
    """What the service sends to PostgreSQL, as it sends it."""
    seen: list[Shape] = []
    execute = Prepared.execute

    def spy(self: Prepared, *arguments: Any) -> Any:
        seen.append(shape(self.text.decode()))
        return execute(self, *arguments)

    monkeypatch.setattr(Prepared, "execute", spy)
    return seen


@pytest.mark.postgresql
@pytest.mark.parametrize("application", ["postgresql"], indirect=True)
def test_pgbench_sends_what_posting_a_purchase_sends(app: Flask, issued: list[Shape]) -> None:
    publishing.publish(ADMIN, (HERE / "programme.yaml").read_text(), None, "for a test")
    open_store()
    with clock.frozen(clock.now() - timedelta(hours=1)):
        done(enrolment.enrol_in, ADMIN, NewMember(cards=(str(FIRST_CARD),), language="en"))
    body = purchase_body()
    for number in (1, 2):
        issued.clear()
        answer = purchases.post(TILL, read_purchase((body % (1, number, FIRST_CARD, 1, number)).encode()))
        assert answer.status == 201
    assert issued == committed()
