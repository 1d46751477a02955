"""CDNOW imported whole: 69,659 real purchases of 23,570 customers, checked against the file, the second time too."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import create_app
from loyalty_engine.config import Settings
from loyalty_engine.services import auditing, enrolment, purchase_batches, stores
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from loyalty_engine.store.places import Merchant, Store
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import accounts, metadata, purchases
from tests import cdnow
from tests.builders import ADMIN, PROGRAMME, publish

DOLLARS = PROGRAMME.replace("money: CNY", "money: USD").replace("Asia/Shanghai", "America/New_York")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path / 'cdnow.db'}"))
    with app.app_context():
        metadata.create_all(db.engine)
        publish(DOLLARS)
        stores.put_merchant(ADMIN, Merchant("cdnow", "CDNOW"))
        stores.put_store(ADMIN, Store("cdnow", "cdnow", "CDNOW", "America/New_York"))
        yield app
        db.engine.dispose()


def enrolled() -> dict[str, MemberReference]:
    customers: list[str] = []
    list(cdnow.purchases(cdnow.cdnow_file(), lambda customer: customers.append(customer)))
    names = sorted(set(customers))
    found = enrolment.enrol_many(ADMIN, [NewMember(external_id=f"cdnow-{name}") for name in names])
    return {name: MemberReference(member_id=one.member_id) for name, one in zip(names, found, strict=True)}


def imported(found: dict[str, MemberReference]) -> Counter[str]:
    """Import the file in the order of time, and count what became of its rows."""
    rows = sorted(
        cdnow.purchases(cdnow.cdnow_file(), found.__getitem__), key=lambda posted: posted.purchase.occurred_at
    )
    became: Counter[str] = Counter()
    batches: Iterator[list[PostedPurchase]] = iter(partial(lambda rest: list(islice(rest, 2_000)), iter(rows)), [])
    for batch in batches:
        became.update(result.status for result in purchase_batches.post_many(ADMIN, batch))
    return became


def test_cdnow_is_imported_whole_and_nothing_of_it_twice(shop: Flask) -> None:
    found = enrolled()

    assert imported(found) == {"posted": 69_659}
    assert imported(found) == {"replayed": 69_659}

    with db.engine.connect() as connection:
        dollars, rows = connection.execute(sa.select(sa.func.sum(purchases.c.total_minor), sa.func.count())).one()
        points = connection.scalar(sa.select(sa.func.sum(accounts.c.available)))
    in_file = list(cdnow.purchases(cdnow.cdnow_file(), lambda _: None))
    amounts = [posted.purchase.lines[0].amount_minor for posted in in_file]
    assert (dollars, rows) == (250_031_563, 69_659) == (sum(amounts), len(amounts))
    assert points == sum(amount // 100 for amount in amounts)
    assert auditing.audit().broken == ()
