"""A page of what changed a member's points, newest first, as the member reads it: with names in the place of ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from loyalty_engine import clock
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.balances import before_seq
from loyalty_engine.services.names import Names, names_of, store_names
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.statements import about
from loyalty_engine.store import accounts
from loyalty_engine.store.session import reading
from rules.periods import business_day
from rules.statement_words import kind_words


@dataclass(frozen=True, slots=True)
class Change:
    """One entry: what it was, when it happened and what it was about; `points` is what it gave or took."""

    on: date
    said: str
    kind: str
    wallet: str
    points: int
    held: int
    pending: int
    store: str | None
    store_name: str | None
    purchase_id: str | None
    reward: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class History:
    """A page of changes, and the cursor of the page before it in time, where there is one."""

    changes: tuple[Change, ...]
    older: str | None


def page(actor: Actor, member_id: str, cursor: str | None, limit: int, language: str) -> History:
    """Return a page of a member's changes in `language`; raises `NotFound`, and `Invalid` for a cursor that is none."""
    with reading() as connection:
        member_id, _ = accounts.of_member(connection, member_id)
        rows = accounts.entries(connection, member_id, before_seq(cursor), limit + 1)
        programme = plan_for(connection, clock.now()).programme
        told = about(connection, actor, member_id, rows[:limit], programme, language)
    sources = [told.source(row) for row in rows[:limit]]
    stores = store_names(source["store"] for source in sources if "store" in source)
    names = names_of(programme, language)
    changes = (_change(row, source, names, stores, language) for row, source in zip(rows, sources, strict=False))
    return History(tuple(changes), str(rows[limit - 1]["seq"]) if len(rows) > limit else None)


def _change(
    row: Mapping[str, Any], source: Mapping[str, str], names: Names, stores: Mapping[str, str], language: str
) -> Change:
    store, reward = source.get("store"), source.get("reward")
    return Change(
        on=business_day(row["occurred_at"], names.time_zone),
        said=kind_words(language, row["kind"]),
        kind=row["kind"],
        wallet=names.wallet(row["wallet"]),
        points=row["points"],
        held=row["held"],
        pending=row["pending"],
        store=store,
        store_name=stores.get(store, store) if store else None,
        purchase_id=source.get("purchase_id"),
        reward=names.reward(reward) if reward else None,
        reason=row["reason"],
    )
