"""Holds a row of a list against the member whom it names and who is here already: what the row says, and nothing else."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from loyalty_engine.services.newcomers import Given, Newcomer
from loyalty_engine.store.kept_members import Kept
from rules.errors import Conflict

_PLAIN: Final = ("name", "email")
_BIRTHDAY: Final = ("month", "day", "year", "calendar", "leap_month")
_REMEDY: Final = (
    "is something else here and was left as it is: change the member (PATCH /v1/members/{id}), or correct the row"
)


def difference(given: Given, new: Newcomer, kept: Kept) -> Conflict | None:
    """Return the refusal that names every field in which a row differs from its member; None for the same.

    A field that the row leaves out doesn't differ, nor does a consent that was given or taken back later than it says.
    """
    fields = list(dict.fromkeys(_differing(given, new, kept)))
    if not fields:
        return None
    detail = f"The member is here already, with another {', '.join(fields)}; nothing was changed."
    return Conflict("member_differs", detail, {name: [_REMEDY] for name in fields})


def as_enrolled(new: Newcomer, review_on: date | None) -> Kept:
    """Return a member of the same batch as it will be loaded; its level is safe through `review_on`."""
    return Kept(
        joined_on=new.joined_on,
        language=new.language,
        profile=new.profile,
        brought=(new.tier.level, review_on) if new.tier else None,
        names=set(new.names),
        cards=set(new.cards),
        phones={new.phone} if new.phone else set(),
        consents={(one.channel, one.purpose): one for one in new.consents},
    )


def _differing(given: Given, new: Newcomer, kept: Kept) -> Iterator[str]:
    if not kept.cards.issuperset(new.cards):
        yield "cards"
    if new.phone is not None and new.phone not in kept.phones:
        yield "phone"
    yield from (name for name in _PLAIN if new.profile[name] not in (None, kept.profile.get(name)))
    if given.language is not None and new.language != kept.language:
        yield "language"
    if given.joined_on is not None and new.joined_on != kept.joined_on:
        yield "joined_on"
    if not _same_birthday(new.profile, kept.profile):
        yield "birthday"
    if new.tier is not None and not _same_level(new.tier.level, new.tier.until, kept.brought):
        yield "tier"
    yield from _differing_words(given, new, kept)
    yield from _differing_consents(new, kept)


def _same_birthday(said: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    if said["birthday_month"] is None:
        return True
    columns = [f"birthday_{part}" for part in _BIRTHDAY if (part, said[f"birthday_{part}"]) != ("year", None)]
    return all(said[column] == known.get(column) for column in columns)


def _same_level(level: str, until: date | None, brought: tuple[str, date | None] | None) -> bool:
    """Tell whether the member brought this level along; what became of it since is the programme's doing."""
    return brought is not None and brought[0] == level and until in (None, brought[1])


def _differing_words(given: Given, new: Newcomer, kept: Kept) -> Iterator[str]:
    if given.segments and new.profile["segments"] != kept.profile.get("segments"):
        yield "segments"
    known = json.loads(kept.profile.get("attributes", "{}"))
    said = json.loads(new.profile["attributes"])
    yield from (f"attributes.{name}" for name, value in said.items() if known.get(name) != value)


def _differing_consents(new: Newcomer, kept: Kept) -> Iterator[str]:
    last = {(one.channel, one.purpose): (place, one) for place, one in enumerate(new.consents)}
    for key, (place, said) in last.items():
        known = kept.consents.get(key)
        if known is None or (known.at <= said.at and known != said):
            yield f"consents[{place}]"
