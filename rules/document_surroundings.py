"""What the parts of a document are read by, as far as it can be seen before anything is known to be right."""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from rules.money import is_currency
from rules.reading import Place, Surroundings
from rules.reading_values import is_identifier

_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_FINEST: Final = "CLF"
"""A currency of four decimals: amounts are read by it when the programme's own is not known."""
_UTC: Final = ZoneInfo("UTC")
_THINGS: Final = {
    "wallet": ("wallets",),
    "rule": ("accrual",),
    "reward": ("rewards",),
    "level": ("tiers", "levels"),
    "template": ("messages", "templates"),
}
"""Where in a document the things stand that other parts name by their ids."""
_KINDS: Final = frozenset({"earn", "multiply", "bonus", "exclude"})
_NEEDED: Final = frozenset({("wallets",), ("tiers", "levels")})
"""What must stand where it belongs: where it is missing, that alone is told."""


def surroundings(document: object, sku_lists: Collection[str] | None) -> Surroundings:
    """Return what the parts are read by; `sku_lists` are those beside the document, None where it doesn't matter."""
    top = document if isinstance(document, dict) else {}
    money, listed = top.get("money"), {kind: _listed(top, path) for kind, path in _THINGS.items()}
    known = {kind: things for kind, things in listed.items() if things is not None}
    rules, is_known = known.get("rule", ()), isinstance(money, str) and is_currency(money)
    return Surroundings(
        currency=str(money) if is_known else _FINEST,
        currency_is_known=is_known,
        zone=zone_named(top.get("time_zone")) or _UTC,
        names={kind: _ids(things) for kind, things in known.items()}
        | ({} if sku_lists is None else {"sku_list": sku_lists}),
        unsure={
            kind: _wrong_ids(things)
            for kind, things in known.items()
            if not all(is_identifier(one.get("id")) for one in _mappings(things))
        },
        rule_wallets={one["id"]: _wallet_of(one) for one in rules if isinstance(one, dict) and _is_text(one, "id")},
        earning=_earning(listed["rule"], known.get("wallet")),
    )


def _listed(document: Mapping[Any, Any], path: tuple[str, ...]) -> Collection[object] | None:
    """Return what is listed at a path; None where nobody can know, and a problem says so there."""
    *outer, key = path
    found: Any = document
    for step in outer:
        if step not in found:
            return ()
        found = found[step]
        if not isinstance(found, dict):
            return None
    listed = found.get(key, None if path in _NEEDED else ())
    return listed if isinstance(listed, list | tuple) and (listed or path != ("wallets",)) else None


def _ids(things: Collection[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one["id"] for one in _mappings(things) if _is_text(one, "id")))


def _wrong_ids(things: Collection[object]) -> tuple[str, ...]:
    return tuple(one for one in _ids(things) if not is_identifier(one))


def _earning(rules: Collection[object] | None, wallets: Collection[object] | None) -> Collection[str] | None:
    """Return the wallets in which a rule earns; None where some rule earns nobody knows where."""
    if rules is None or wallets is None or not all(isinstance(one, dict) and _KINDS & one.keys() for one in rules):
        return None
    known, earning = _ids(wallets), [one for one in _mappings(rules) if "earn" in one]
    if not all(one.get("wallet") in known for one in earning):
        return None
    return frozenset(one["wallet"] for one in earning)


def _wallet_of(rule: Mapping[Any, Any]) -> str | None:
    if _KINDS & rule.keys() == {"exclude"}:
        return None
    return rule["wallet"] if _is_text(rule, "wallet") else ""


def _mappings(things: Collection[object]) -> Iterator[dict[Any, Any]]:
    return (one for one in things if isinstance(one, dict))


def _is_text(item: Mapping[Any, Any], key: str) -> bool:
    return isinstance(item.get(key), str)


def check_earned(place: Place, wallet: str, remedy: str = "") -> None:
    """Note a multiplier in a wallet in which nothing earns points."""
    if place.around.earning is not None and wallet not in place.around.earning:
        place.note(f'no rule earns points in "{wallet}", so there is nothing to multiply', remedy)


def zone_named(name: object) -> ZoneInfo | None:
    """Return the time zone of that name; None where there is none."""
    if not isinstance(name, str) or not _ZONE.fullmatch(name) or name not in zone_names():
        return None
    return ZoneInfo(name)


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(available_timezones())
