"""What has to be there before a purchase can be posted: a programme, a store with a till, ten thousand members, tokens."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from benchmarks.engine import ADMIN, engine_of, publish
from loyalty_engine import clock
from loyalty_engine.services import enrolment, ledger, stores, tokens
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.tokens import NewToken
from loyalty_engine.store.places import Merchant, Store
from loyalty_engine.store.session import in_transaction

HERE = Path(__file__).parent
MEMBERS = 10_000
FIRST_CARD = 90_000_000
"""Of numbers that follow each other, so that load generators can name a member by chance."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What load generators need: tokens and the members' ids."""

    till: str
    service: str
    member_ids: tuple[str, ...]


def furnish(database_url: str, members: int = MEMBERS) -> Setting:
    """Fill an empty database that has its tables."""
    publish(database_url, (HERE / "programme.yaml").read_text())
    with engine_of(database_url):
        stores.put_merchant(ADMIN, Merchant("bench", "Bench"))
        stores.put_store(ADMIN, Store("bench-1", "bench", "Bench 1", "Asia/Shanghai"))
        stores.put_terminal(ADMIN, "bench-1", "till-1")
        ids = _enrol(members)
        till = tokens.create(ADMIN, NewToken("terminal", "till", store_id="bench-1", terminal_id="till-1"))
        service = tokens.create(ADMIN, NewToken("service", "shop", "bench"))
    return Setting(till.text, service.text, ids)


def _enrol(members: int) -> tuple[str, ...]:
    ids: list[str] = []
    for first in range(0, members, 500):
        cards = range(FIRST_CARD + first, FIRST_CARD + min(first + 500, members))
        done = enrolment.enrol_many(ADMIN, [NewMember(cards=(str(card),), language="en") for card in cards])
        ids += [one.member_id for one in done if one.member_id is not None]
    return tuple(ids)


def give_points(database_url: str, setting: Setting, points: int) -> None:
    """Give every member points, as if they came from an older system."""
    with engine_of(database_url):
        for first in range(0, len(setting.member_ids), 500):
            in_transaction(partial(_give, member_ids=setting.member_ids[first : first + 500], points=points))


def _give(connection: sa.Connection, member_ids: tuple[str, ...], points: int) -> None:
    now = clock.now()
    posting, plan = Posting(connection, ADMIN, now), plan_for(connection, now)
    for member_id in member_ids:
        source = Source("opening", member_id, now)
        ledger.grant(posting, posting.member(member_id), plan, plan.programme.wallets[0], points, source, "opening")
    posting.write()


def count(database_url: str, table: str) -> int:
    """Return how many rows a table has."""
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        found = connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table)))
    engine.dispose()
    return int(found or 0)
