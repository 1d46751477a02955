"""Reads what members had elsewhere from a file: a row is one lot of points that is open there, with its end."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from loyalty_engine.services.imports.fields import Fields
from loyalty_engine.services.imports.records import Misread, NewBalance
from loyalty_engine.services.imports.values import day, identifier, text, whole
from loyalty_engine.services.intake import MemberReference
from rules.errors import Problem

MAX_POINTS: Final = 10**9
_NAMES: Final = ("member_id", "card", "phone")


def read_balance(values: Mapping[str, Any], instead_of_id: str) -> NewBalance | Misread:
    """Read one lot, or return everything that is wrong; `instead_of_id` names the row when it has no lot_id."""
    problems: list[Problem] = []
    fields = Fields(values, problems)
    member, external_id = _member(fields)
    found = NewBalance(
        source=fields.take("lot_id", identifier) or instead_of_id,
        member=member,
        external_id=external_id,
        wallet=fields.need("wallet", identifier, ""),
        points=fields.need("points", whole(1, MAX_POINTS), 1),
        opened_on=fields.need("opened_on", day, date.min),
        expires_on=fields.take("expires_on", day),
        available_on=fields.take("available_on", day),
        active_on=fields.take("active_on", day),
    )
    fields.finish()
    return Misread(problems) if problems else found


def _member(fields: Fields) -> tuple[MemberReference | None, str | None]:
    """Take the one name of the member; in NDJSON it may stand inside `member`."""
    inside = fields.within("member")
    named = {name: (inside or fields).take(name, text) for name in (*_NAMES, "external_id")}
    if inside is not None:
        inside.finish()
    if len(named) - list(named.values()).count(None) != 1:
        fields.wrong("member", f"must be named by exactly one of {', '.join(named)}")
        return None, None
    external_id = named.pop("external_id")
    return (None, external_id) if external_id is not None else (MemberReference(**named), None)
