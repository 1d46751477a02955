"""Brings a shop's own files in through the services that the API uses: nothing twice, and what is refused written down."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from loyalty_engine import clock
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.enrolment import enrol_many
from loyalty_engine.services.imports import reconciling
from loyalty_engine.services.imports.formats import count_rows
from loyalty_engine.services.imports.job import Job, run
from loyalty_engine.services.imports.jobs import balance_job, member_job, product_job, purchase_job
from loyalty_engine.services.imports.marks import StoredMarks
from loyalty_engine.services.imports.progress import Advance
from loyalty_engine.services.imports.purchases import Defaults
from loyalty_engine.services.imports.sinks import Kind
from loyalty_engine.services.imports.totals import Totals
from loyalty_engine.services.openings import open_many
from loyalty_engine.services.products import put_many
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_batches import post_many
from loyalty_engine.store.session import reading
from rules.errors import Invalid
from rules.programme import Programme

Progress = Callable[[str, int | None], AbstractContextManager[Advance]]
"""Given what is done and how many there are, as far as that is known, shows how it gets on."""


@dataclass(frozen=True, slots=True)
class Request:
    """Which file is to be brought in, what kind it is, where refused rows go, and the store where it doesn't say.

    `expect` is what a file of balances must come to, by wallet; empty where nobody checks that.
    """

    kind: Kind
    path: Path
    rejects_path: Path
    store: str | None = None
    expect: Mapping[str, int] = field(default_factory=dict)


def bring_in(actor: Actor, request: Request, progress: Progress) -> Totals:
    """Bring a file in and return its control totals; raises `Invalid` for one that can't be read at all."""
    if not request.path.is_file():
        raise Invalid("no_such_file", f"{request.path}: there is no such file.")
    job = _job(actor, request, _programme())
    if request.expect:
        reconciling.check_file(job, request.path, request.rejects_path, request.expect)
    with progress(request.kind, count_rows(request.path)) as advance:
        return run(job, request.path, request.rejects_path, StoredMarks(), clock.now, advance)


def _job(actor: Actor, request: Request, programme: Programme) -> Job[Any]:
    match request.kind:
        case "members":
            return member_job(partial(enrol_many, actor, compares=True), programme.time_zone)
        case "products":
            return product_job(partial(put_many, actor))
        case "balances":
            return balance_job(partial(open_many, actor))
        case "purchases":
            defaults = Defaults(programme.money, programme.time_zone, request.store)
            return purchase_job(partial(post_many, actor), defaults)


def _programme() -> Programme:
    with reading() as connection:
        return plan_for(connection, clock.now()).programme
