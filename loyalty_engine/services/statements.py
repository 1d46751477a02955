"""A statement of a member's points for a period: what there was, each entry with its words, and what there is at the end.

Closing = opening + what the entries gave and forgave; a day's closing is the next day's opening.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from loyalty_engine.services import days
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.entry_words import About, about
from loyalty_engine.store import as_of as store
from loyalty_engine.store import entries, members
from loyalty_engine.store.session import snapshot
from rules.errors import Invalid
from rules.movement import Figures
from rules.periods import business_day
from rules.phrases import Tongue
from rules.programme import Programme
from rules.statement_words import kind_words

MAX_ENTRIES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """One entry; `balance` and `available` are what there is after it, `on` is the day on which it was booked."""

    seq: int
    on: date
    occurred_on: date
    kind: str
    said: str
    about: str
    source: Mapping[str, str]
    points: int
    forgiven: int
    balance: int
    available: int
    reason: str | None


@dataclass(slots=True)
class WalletStatement:
    """One wallet: its figures before the period, its entries, and its figures at the end."""

    wallet: str
    name: str
    opening: Figures
    closing: Figures
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Statement:
    """All wallets of a member over the days from `first` through `last`."""

    member_id: str
    name: str | None
    programme: str
    first: date
    last: date
    language: str
    wallets: tuple[WalletStatement, ...]


def statement(actor: Actor, member_id: str, first: date, last: date, language: str | None) -> Statement:
    """Return the statement of the days from `first` through `last`, in `language`, else in the member's own.

    Raises `NotFound`, and `Invalid` for a period that is none, or that has more entries than are listed.
    """
    with snapshot() as connection:
        asked = days.period(connection, first, last)
        before = store.last_seq(connection, member_id, asked.span.start)
        through = store.last_seq(connection, member_id, asked.span.end)
        if through - before > MAX_ENTRIES:
            raise _too_long(through - before)
        opening = store.figures(connection, member_id, before)
        rows = entries.between(connection, member_id, before, through)
        member, profile = members.row(connection, member_id), members.profile(connection, member_id)
        language = language or (member.language if member else "en")
        words = about(connection, actor, member_id, rows, asked.programme, language)
    wallets = _wallets(asked.programme, language, opening, rows, words)
    name = Tongue(language).name(asked.programme.name, asked.programme.id)
    return Statement(member_id, profile.name if profile else None, name, first, last, language, wallets)


def _too_long(count: int) -> Invalid:
    return Invalid(
        "period_too_long",
        f"There are {count:,} entries in this period, and a statement lists {MAX_ENTRIES:,} at most.",
        {"from": ["ask for a shorter period, and for the rest in another statement"]},
    )


def _wallets(
    programme: Programme,
    language: str,
    opening: Mapping[str, Figures],
    rows: Sequence[Mapping[str, Any]],
    words: About,
) -> tuple[WalletStatement, ...]:
    tongue = Tongue(language)
    names = {wallet.id: tongue.name(wallet.name, wallet.id) for wallet in programme.wallets}
    found: dict[str, WalletStatement] = {}
    for wallet in dict.fromkeys([*names, *opening, *(row["wallet"] for row in rows)]):
        figures = opening.get(wallet, Figures())
        found[wallet] = WalletStatement(wallet, names.get(wallet, wallet), figures, figures)
    for row in rows:
        one = found[row["wallet"]]
        one.closing = one.closing.plus(Figures(*(row[name] for name in Figures._fields)))
        one.lines.append(_line(programme, language, row, one.closing, words))
    return tuple(found.values())


def _line(programme: Programme, language: str, row: Mapping[str, Any], after: Figures, words: About) -> Line:
    zone = programme.time_zone
    source = words.source(row)
    return Line(
        seq=row["seq"],
        on=business_day(row["booked_at"], zone),
        occurred_on=business_day(row["occurred_at"], zone),
        kind=row["kind"],
        said=kind_words(language, row["kind"]),
        about=words.words(row, source),
        source=source,
        points=row["points"],
        forgiven=row["forgiven"],
        balance=after.outstanding,
        available=after.available,
        reason=row["reason"],
    )


def as_json(told: Statement) -> dict[str, Any]:
    """Return a statement as plain values."""
    return {
        "member_id": told.member_id,
        "from": told.first,
        "to": told.last,
        "wallets": [
            {
                "wallet": one.wallet,
                "name": one.name,
                "opening": _figures(one.opening),
                "entries": one.lines,
                "closing": _figures(one.closing),
            }
            for one in told.wallets
        ],
    }


def _figures(figures: Figures) -> dict[str, int]:
    return {"balance": figures.outstanding, **figures._asdict()}
