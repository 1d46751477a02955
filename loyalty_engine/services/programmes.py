"""Which version of the programme judges an instant: found with one tiny statement, and kept in the process by version."""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache, partial
from typing import Any

import sqlalchemy as sa

from loyalty_engine.services.caching import Cache
from loyalty_engine.store import programmes as store
from loyalty_engine.store import sku_lists
from loyalty_engine.store.programmes import Version
from loyalty_engine.store.session import reading
from rules.document import read
from rules.errors import Conflict, NotFound
from rules.filters import SkuLists
from rules.plan import Plan, make_plan
from rules.programme import Programme

_timelines: Cache[int, tuple[Version, ...]] = Cache(seconds=None, size=10)
"""By the newest version's number: versions are only ever added."""
_plans: Cache[int, Plan] = Cache(seconds=None, size=1_000)
_plans_with_lists: Cache[int, Plan] = Cache()
"""SKU lists stand beside the document and change without a new version, so a plan that names one isn't kept for long."""
_names_lists: Cache[int, bool] = Cache(seconds=None, size=1_000)


class _Lists(dict[str, frozenset[str]]):
    """SKU lists by id; one that isn't there is empty."""

    def __missing__(self, list_id: str) -> frozenset[str]:
        return frozenset()


def plan_for(connection: sa.Connection, at: datetime) -> Plan:
    """Return the plan of the version in force at `at`; raises `Conflict` before the first version is published."""
    return plan_of(connection, version_at(connection, at))


def plans(connection: sa.Connection) -> Callable[[datetime], Plan]:
    """Return `plan_for` for a transaction that asks for many instants: the versions are looked up once."""
    timeline, plan = _timeline(connection), cache(partial(plan_of, connection))
    return lambda at: plan(_version_at(timeline, at))


def version_at(connection: sa.Connection, at: datetime) -> int:
    """Return the number of the version in force at `at`."""
    return _version_at(_timeline(connection), at)


def _version_at(timeline: tuple[Version, ...], at: datetime) -> int:
    if not timeline:
        raise Conflict("no_programme", "No programme has been published: run `loyalty programme publish FILE` first.")
    return timeline[bisect_right(timeline, at, lo=1, key=_beginning) - 1].version


def _beginning(version: Version) -> datetime:
    assert version.effective_at is not None, "only the first version reaches back without limit"
    return version.effective_at


def plan_of(connection: sa.Connection, version: int) -> Plan:
    """Return the plan of a version by its number; raises `NotFound` for one that isn't there."""
    has_lists = _names_lists.get(version, lambda: bool(list_names(_document(connection, version))))
    plans = _plans_with_lists if has_lists else _plans
    return plans.get(version, partial(_load_plan, connection, version))


def _timeline(connection: sa.Connection) -> tuple[Version, ...]:
    return _timelines.get(store.latest(connection), lambda: store.versions(connection))


def _load_plan(connection: sa.Connection, version: int) -> Plan:
    document = _document(connection, version)
    return make_plan(_programme(document), version, lists_of(connection, document))


def lists_of(connection: sa.Connection, document: object) -> SkuLists:
    """Return the SKU lists that a document names; one that isn't there is empty."""
    return _Lists({name: sku_lists.skus(connection, name) for name in list_names(document).values()})


def forget_lists() -> None:
    """Load the SKU lists anew: one was changed in this process."""
    _plans_with_lists.clear()


def _programme(document: Mapping[str, Any]) -> Programme:
    programme = read(document)
    assert isinstance(programme, Programme), f"a published version can't be read: {programme}"
    return programme


def _document(connection: sa.Connection, version: int) -> Mapping[str, Any]:
    text = store.document(connection, version)
    if text is None:
        raise NotFound("version_not_found", f"There is no version {version} of the programme.")
    found: Mapping[str, Any] = json.loads(text)
    return found


def list_names(document: object) -> dict[str, str]:
    """Return the SKU lists that a document names, each by the path where it stands."""
    return dict(_list_names(document, ""))


def _list_names(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            place = f"{path}.{key}" if path else str(key)
            yield from _words(inner, place) if key == "sku_list" else _list_names(inner, place)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _list_names(inner, f"{path}[{index}]")


def _words(tested: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield the names in `{in: […]}` or `{not_in: […]}`."""
    for key, names in tested.items() if isinstance(tested, Mapping) else ():
        for index, name in enumerate(names if isinstance(names, list | tuple) else ()):
            if isinstance(name, str):
                yield f"{path}.{key}[{index}]", name


def versions() -> tuple[Version, ...]:
    """Return every published version, the first one first."""
    with reading() as connection:
        return _timeline(connection)


def version(number: int) -> tuple[Version, Mapping[str, Any]]:
    """Return a version and its document as plain data; raises `NotFound`."""
    with reading() as connection:
        document = _document(connection, number)
        return next(one for one in _timeline(connection) if one.version == number), document
