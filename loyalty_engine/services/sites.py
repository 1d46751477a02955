"""Where a purchase was made, and what its lines lack: the store's groups and the catalogue as of the sale."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from loyalty_engine.services import catalogue
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.catalogue import Known
from loyalty_engine.services.intake import PostedPurchase
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.stores import place
from loyalty_engine.store import places
from rules.errors import Forbidden, Invalid, NotFound
from rules.facts import Purchase
from rules.periods import business_day


@dataclass(frozen=True, slots=True)
class Site:
    """The store, its merchant, its groups and the terminal."""

    store: str
    merchant: str
    groups: frozenset[str]
    terminal: str | None
    time_zone: str | None
    """The store's own; None for the programme's."""


def site_of(connection: sa.Connection, actor: Actor, store: str | None, terminal: str | None = None) -> Site:
    """Return where `actor` acts: a terminal at its own store, anybody else at the store that is named.

    Another merchant's store is not there for a terminal or a service.
    """
    named = store or actor.store_id
    if named is None:
        raise Invalid("store_missing", "Say at which store this was.", {"store": ["is required for this token"]})
    found = place(connection, named)
    if found is None or actor.merchant_id not in (None, found.merchant_id):
        raise NotFound("store_not_found", f"There is no store {named}.")
    if actor.role == "service" and terminal is not None and terminal not in places.terminals_of(connection, named):
        said = {"terminal": ["name one of the store's terminals, or leave it out"]}
        raise NotFound("terminal_not_found", f"Store {named} has no terminal {terminal}.", said)
    where = actor.terminal_id or terminal
    return Site(named, found.merchant_id, found.store_groups, where, found.time_zone)


def own_site(connection: sa.Connection, actor: Actor, store: str | None, terminal: str | None = None) -> Site:
    """The same, and a terminal may name no store but its own."""
    if actor.role == "terminal" and store not in (None, actor.store_id):
        raise Forbidden("other_store", f"This terminal belongs to store {actor.store_id}; leave `store` out.")
    if actor.role == "terminal" and terminal not in (None, actor.terminal_id):
        raise Forbidden("other_terminal", f"This token is terminal {actor.terminal_id}'s; leave `terminal` out.")
    return site_of(connection, actor, store, terminal)


def placed(posted: PostedPurchase, site: Site) -> PostedPurchase:
    """Return the purchase with its store and the store's groups."""
    if (posted.purchase.store, posted.purchase.store_groups) == (site.store, site.groups):
        return posted
    purchase = replace(posted.purchase, store=site.store, store_groups=site.groups)
    return replace(posted, store=site.store, terminal=site.terminal, purchase=purchase)


def filled(connection: sa.Connection, purchase: Purchase, site: Site, known: Known) -> Purchase:
    """Return the purchase with what the catalogue knew of its products on the day of the sale, by the store's clock."""
    if not known:
        return purchase
    at = purchase.occurred_at
    zone = ZoneInfo(site.time_zone) if site.time_zone else plan_for(connection, at).programme.time_zone
    lines = catalogue.fill(known, purchase.lines, business_day(at, zone))
    return purchase if lines is purchase.lines else replace(purchase, lines=lines)


def receipt_key(site: Site, posted: PostedPurchase) -> str | None:
    """Return the key that a receipt has for ever: merchant, terminal, business day, number (RELIABILITY.md, 5)."""
    if posted.receipt is None:
        return None
    terminal = f"{site.store}:{site.terminal or ''}"
    return f"{site.merchant}|{terminal}|{posted.receipt.business_day.isoformat()}|{posted.receipt.number}"
