"""The writing side of an import, as the reading side sees it.

The signatures are owned by `services/purchase_batches.py`, `enrolment.py`, `products.py`, `openings.py` and
`stores.py`, whose functions fit once their actor is given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

import sqlalchemy as sa

from loyalty_engine.services.imports.records import NewBalance, NewMember, NewProduct, NewStore
from loyalty_engine.services.intake import PostedPurchase

R = TypeVar("R")
Connection = sa.Connection | None
"""That of the transaction in which a batch is written; None where there is none, for nothing of it is."""
Kind = Literal["purchases", "members", "products", "balances"]


class Result(Protocol):
    """What became of one item. `refused` means that nothing was stored, `unresolved` that it is kept: a person has to look."""

    @property
    def status(self) -> str: ...
    @property
    def code(self) -> str | None: ...
    @property
    def detail(self) -> str | None: ...
    @property
    def wrong(self) -> Mapping[str, Sequence[str]]:
        """By field, what is wrong there; empty where it is no single field."""


class PostingResult(Result, Protocol):
    """`status` is posted, replayed, unresolved, unclaimed or refused; `points` is what it gave now, by wallet."""

    @property
    def points(self) -> Mapping[str, int]: ...


class EnrolmentResult(Result, Protocol):
    """`status` is enrolled, replayed or refused."""

    @property
    def member_id(self) -> str | None: ...


Then = Callable[[Connection, Sequence[Any]], None]
"""Is given the results of a batch before its transaction is committed, and notes what has to be in the same commit."""


def nothing(_connection: Connection, _results: Sequence[Any]) -> None:
    """Note nothing."""


def and_then(write: Callable[[sa.Connection], list[R]], then: Then) -> Callable[[sa.Connection], list[R]]:
    """Return the work of a transaction that writes a batch, and gives its results on."""

    def work(connection: sa.Connection) -> list[R]:
        results = write(connection)
        then(connection, results)
        return results

    return work


class PostMany(Protocol):
    """Posts many purchases in one transaction, each with its own result, in order."""

    def __call__(self, purchases: Sequence[PostedPurchase], then: Then = nothing, /) -> Sequence[PostingResult]: ...


class EnrolMany(Protocol):
    """Enrols many members in one transaction; the `source` of one that is there already gives `replayed`."""

    def __call__(self, members: Sequence[NewMember], then: Then = nothing, /) -> Sequence[EnrolmentResult]: ...


class OpenMany(Protocol):
    """Opens many lots of points in one transaction; the `source` of one that is there already gives `replayed`."""

    def __call__(self, balances: Sequence[NewBalance], then: Then = nothing, /) -> Sequence[Result]: ...


class PutProducts(Protocol):
    """Stores many entries of the catalogue; `status` is posted, replayed (it says so already) or refused."""

    def __call__(self, products: Sequence[NewProduct], then: Then = nothing, /) -> Sequence[Result]: ...


class PutStores(Protocol):
    """Stores stores and terminals that aren't there yet."""

    def __call__(self, stores: Sequence[NewStore], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an import of a file came. `totals` is what `Totals.to_json` gave, an empty mapping at the start.

    `rejects_length` is how many bytes the reject file had then: what a run added that was killed is not told twice.
    """

    rows_done: int = 0
    totals: Mapping[str, Any] = field(default_factory=dict)
    finished_at: datetime | None = None
    rejects_length: int = 0


class Marks(Protocol):
    """Remembers, by the hash of a file's content and the kind of import, how far it came."""

    def find(self, file_hash: str, kind: Kind, /) -> Mark | None: ...

    def save(self, file_hash: str, kind: Kind, mark: Mark, connection: Connection = None, /) -> None: ...
