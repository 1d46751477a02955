"""Imports as an actor does them: files of each kind through the services, and the demo's year through the same."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from loyalty_engine import clock
from loyalty_engine.services import enrolment, openings, products, purchase_batches
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.imports.job import Job, run
from loyalty_engine.services.imports.jobs import balance_job, member_job, product_job, purchase_job
from loyalty_engine.services.imports.marks import StoredMarks
from loyalty_engine.services.imports.progress import Advance
from loyalty_engine.services.imports.purchases import Defaults
from loyalty_engine.services.imports.sinks import Kind
from loyalty_engine.services.imports.totals import Totals


@dataclass(frozen=True, slots=True)
class Files:
    """The file to bring in, and where the rows go that are refused."""

    path: Path
    rejects: Path


def import_file(kind: Kind, files: Files, actor: Actor, defaults: Defaults, advance: Advance) -> Totals:
    """Bring in a file of a kind and return its control totals; `advance` is told how many rows are done."""
    job = _JOBS[kind](actor, defaults)
    return run(job, files.path, files.rejects, StoredMarks(), clock.now, advance)


def _purchases(actor: Actor, defaults: Defaults) -> Job[Any]:
    return purchase_job(partial(purchase_batches.post_many, actor), defaults)


def _members(actor: Actor, defaults: Defaults) -> Job[Any]:
    return member_job(partial(enrolment.enrol_many, actor), defaults.zone)


def _products(actor: Actor, defaults: Defaults) -> Job[Any]:
    return product_job(partial(products.put_many, actor))


def _balances(actor: Actor, defaults: Defaults) -> Job[Any]:
    return balance_job(partial(openings.open_many, actor))


_JOBS: dict[Kind, Callable[[Actor, Defaults], Job[Any]]] = {
    "purchases": _purchases,
    "members": _members,
    "products": _products,
    "balances": _balances,
}
