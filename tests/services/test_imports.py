"""Imports through the services into real databases: a shop's membership, catalogue and history, and the demo's year."""

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import enrolment, importing, products, purchase_batches, stores
from loyalty_engine.services.importing import Request
from loyalty_engine.services.imports import job
from loyalty_engine.services.imports.marks import StoredMarks
from loyalty_engine.services.imports.sinks import Kind, Mark
from loyalty_engine.services.imports.totals import Totals
from loyalty_engine.store import import_files
from loyalty_engine.store.places import Merchant
from rules.errors import Invalid
from tests.builders import ADMIN, PROGRAMME, open_store, publish
from tests.conftest import FrozenClock

MEMBERS = """\
external_id,phone,joined_on,birthday
M-1,+8613800138000,2021-03-05,1990-08-15
M-2,+8613800138001,2021-03-05,02-29
M-3,not a phone,2021-03-05,
"""
PRODUCTS = """\
sku,category,brand,tags,from
LATTE-L,drinks/coffee,house,hot,
LATTE-L,drinks/seasonal,house,hot,2026-11-01
"""
PURCHASES = """\
store,purchase_id,phone,occurred_at,sku,quantity,amount
s-1,P1,+8613800138000,2026-10-01T09:41,LATTE-L,1,35.00
s-1,P1,,,BAGEL,1,12.00
s-1,P2,+8613800138001,2026-10-02T09:41,LATTE-L,2,70.00
s-9,P3,+8613800138001,2026-10-03T09:41,LATTE-L,2,70.00
"""


@pytest.fixture
def shop(app: Flask, frozen_clock: FrozenClock) -> None:
    publish()
    open_store()


def bring_in(kind: Kind, directory: Path, text: str) -> tuple[Totals, list[str]]:
    path, rejects = directory / f"{kind}.csv", directory / f"{kind}.rejects.ndjson"
    path.write_text(text, encoding="utf-8")
    totals = importing.bring_in(ADMIN, Request(kind, path, rejects), lambda kind, total: nullcontext(lambda done: None))
    found = rejects.read_text(encoding="utf-8").splitlines() if rejects.exists() else []
    return totals, [json.loads(record)["reason"] for record in found]


@pytest.mark.usefixtures("shop")
def test_what_the_service_refuses_is_told_field_by_field(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text("external_id,phone,email\nM-9,12,nobody\n", encoding="utf-8")
    rejects = tmp_path / "rejects.ndjson"
    importing.bring_in(ADMIN, Request("members", path, rejects), lambda kind, total: nullcontext(lambda done: None))
    found = {one["field"]: one for one in map(json.loads, rejects.read_text(encoding="utf-8").splitlines())}
    assert found.keys() == {"phone", "email"}
    assert {one["line"] for one in found.values()} == {2}
    assert found["phone"]["reason"].startswith("member_invalid: is not a number that can be called")
    assert found["email"]["reason"].startswith("member_invalid: must be an e-mail address")


@pytest.mark.usefixtures("shop")
def test_members_come_in_once_and_who_cannot_is_said(tmp_path: Path) -> None:
    totals, reasons = bring_in("members", tmp_path, MEMBERS)
    assert totals.statuses == {"enrolled": 2, "rejected": 1}
    assert len(reasons) == 1
    again, _ = bring_in("members", tmp_path, MEMBERS)
    assert again.statuses == {"replayed": 2, "rejected": 1}


@pytest.mark.usefixtures("shop")
def test_a_catalogue_comes_in_once(tmp_path: Path) -> None:
    assert bring_in("products", tmp_path, PRODUCTS)[0].statuses == {"posted": 2}
    assert bring_in("products", tmp_path, PRODUCTS)[0].statuses == {"replayed": 2}


@pytest.mark.usefixtures("shop")
def test_of_two_entries_of_one_day_in_one_file_the_second_is_refused_and_the_totals_repeat(tmp_path: Path) -> None:
    others = "".join(f"SKU-{number},,,,\n" for number in range(600))
    text = f"{PRODUCTS}{others}LATTE-L,drinks/coffee,house,hot,\nLATTE-L,drinks/tea,house,hot,2026-11-01\n"
    first, reasons = bring_in("products", tmp_path, text)
    assert first.statuses == {"posted": 602, "replayed": 1, "rejected": 1}
    assert reasons == [
        "product_twice: line 3 says something else of this SKU from the same day on; keep one of the two"
    ]
    again, _ = bring_in("products", tmp_path, text)
    assert again.statuses == {"replayed": 603, "rejected": 1}
    later, _ = bring_in("products", tmp_path, PRODUCTS.replace("drinks/seasonal", "drinks/tea"))
    assert later.statuses == {"replayed": 1, "posted": 1}


@pytest.mark.usefixtures("shop")
def test_purchases_come_in_once_with_the_same_control_totals(tmp_path: Path) -> None:
    bring_in("members", tmp_path, MEMBERS)
    totals, reasons = bring_in("purchases", tmp_path, PURCHASES)
    assert totals.statuses == {"posted": 2, "rejected": 1}
    assert (totals.rows_read, totals.money_minor, totals.points) == (4, {"CNY": 11_700}, {"leaves": 117})
    assert len(reasons) == 1
    again, _ = bring_in("purchases", tmp_path, PURCHASES)
    assert again.statuses == {"replayed": 2, "rejected": 1}
    assert (again.money_minor, again.points) == (totals.money_minor, {})


@pytest.mark.usefixtures("shop")
def test_an_import_that_is_killed_in_any_batch_goes_on_to_the_totals_of_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the batch is written, and after that but before its commit."""
    monkeypatch.setattr(job, "BATCH", 1)
    bring_in("members", tmp_path, MEMBERS)
    kept = import_files.put
    for batch in (1, 2, 3):
        for after in (False, True):
            seen = iter(range(1, 100))

            def killed(*given: Any, batch: int = batch, after: bool = after, seen: Any = seen, **named: Any) -> None:
                if next(seen) == batch:
                    if after:
                        kept(*given, **named)
                    raise KeyboardInterrupt
                kept(*given, **named)

            text = PURCHASES.replace("P1", f"P1-{batch}-{after}").replace("P2", f"P2-{batch}-{after}")
            monkeypatch.setattr(import_files, "put", killed)
            with pytest.raises(KeyboardInterrupt):
                bring_in("purchases", tmp_path, text)
            monkeypatch.setattr(import_files, "put", kept)
            totals, reasons = bring_in("purchases", tmp_path, text)
            assert (totals.statuses, len(reasons)) == ({"posted": 2, "rejected": 1}, 1)
            assert (totals.rows_read, totals.money_minor, totals.points) == (4, {"CNY": 11_700}, {"leaves": 117})


@pytest.mark.usefixtures("shop")
def test_of_a_file_with_a_quote_that_stays_open_nothing_is_brought_in(tmp_path: Path) -> None:
    members = "".join(f"M-{number},Anna\n" for number in range(600))
    with pytest.raises(Invalid, match="line 602: a quote opens here"):
        bring_in("members", tmp_path, f'external_id,name\n{members}M-600,"Anna\n')
    assert bring_in("members", tmp_path, f"external_id,name\n{members}")[0].statuses == {"enrolled": 600}


@pytest.mark.usefixtures("app", "frozen_clock")
def test_the_mark_of_a_file_is_kept_by_its_kind() -> None:
    marks, mark = StoredMarks(), Mark(500, {"rows_read": 500})
    assert marks.find("a" * 64, "members") is None
    marks.save("a" * 64, "members", mark)
    assert marks.find("a" * 64, "members") == mark
    assert marks.find("a" * 64, "products") is None
    done = replace(mark, rows_done=600, finished_at=clock.now())
    marks.save("a" * 64, "members", done)
    assert marks.find("a" * 64, "members") == done


@pytest.mark.usefixtures("app", "frozen_clock")
def test_a_small_part_of_the_demos_year_is_posted_whole_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    from loyalty_engine.services.demo import grocer, load
    from loyalty_engine.services.demo.catalogue import wares

    few = dict(list(wares().items())[:500])
    monkeypatch.setattr(load, "wares", lambda: few)

    publish(PROGRAMME.replace("CNY", "USD").replace("Asia/Shanghai", "America/New_York"))
    stores.put_merchant(ADMIN, Merchant("grocer", "Grocer"))
    sinks = load.Sinks(
        partial(stores.put_new_stores, ADMIN, "grocer"),
        partial(products.put_many, ADMIN),
        partial(enrolment.enrol_many, ADMIN),
        partial(purchase_batches.post_many, ADMIN),
    )
    year = grocer.read_year(date(2026, 11, 22), households=20, weeks=4)
    first, again = (load.load(year, sinks, lambda what, total: nullcontext(lambda done: None)) for _ in range(2))
    assert first.statuses == {"posted": len(year.heads.baskets)}
    assert again.statuses == {"replayed": len(year.heads.baskets)}
    assert first.money_minor == again.money_minor == {"USD": sum(year.lines["sales_value"].to_pylist())}
    assert first.points["leaves"] > 0
    assert not again.points
