"""Reads and writes wallets: each a kind of points, what of a purchase counts for it, when it lapses, how it is spent.

Source: PROGRAMME.md, A whole example.
"""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any, Final, Literal

from rules.money import exponent
from rules.periods import Period
from rules.programme import (
    BY_PURCHASE,
    Activity,
    Basis,
    EndingExpiry,
    Expiry,
    InactivityExpiry,
    LevelExpiry,
    Proof,
    RollingExpiry,
    Rounding,
    Spending,
    Texts,
    Wallet,
    YearlyExpiry,
)
from rules.reading import Fields, Place, Reader, choice, each, reference
from rules.reading_times import period, solar_day
from rules.reading_values import (
    MAX_POINTS,
    MAX_RATE,
    decimal_text,
    distinct,
    flag,
    identifier,
    number,
    points,
    share,
    texts,
    whole,
    word,
)

_ROUNDING: Final[Reader[Rounding]] = choice("floor", "half_up", "ceiling")
_TAX: Final = choice("included", "excluded")
_ON_RETURN: Final[Reader[Literal["allow_debt", "clamp"]]] = choice("allow_debt", "clamp")
_PROOF: Final[Reader[Literal["token", "code"]]] = choice("token", "code")
_ACTIVITY: Final[Reader[Activity]] = choice("purchase", "redemption", "event", "adjustment")
_LEVEL: Final = reference("level")
_NO_WAIT: Final = Period(0, "days")


def wallet(place: Place) -> Wallet:
    """Read one wallet."""
    fields = Fields(place, "a wallet")
    found_id, name = fields.need("id", identifier), fields.need("name", texts())
    rounding = fields.may("rounding", _ROUNDING, None) or "floor"
    basis, pending = fields.may("basis", _basis, Basis()), fields.may("pending", period(0), _NO_WAIT)
    expiry, worth = fields.may("expiry", _expiry, None), fields.may("worth", _worth, None)
    spending = fields.may("spending", _spending, None) or "rewards_only"
    on_return = fields.may("on_return", _ON_RETURN, None) or "allow_debt"
    if isinstance(place.at("spending").value, dict) and not fields.has("worth"):
        place.at("spending").note(
            "points can't be spent as money: the wallet doesn't say what a point is worth", 'write worth: "0.01"'
        )
    fields.close()
    return Wallet(found_id, name, rounding, basis, pending, expiry, worth, spending, on_return)


def _basis(place: Place) -> Basis:
    fields = Fields(place, "{tax: included, shipping: false, tenders_excluded: [points]}")
    tax = fields.may("tax", _TAX, "included")
    shipping = fields.may("shipping", flag, False)
    tenders = frozenset(fields.may("tenders_excluded", distinct(word), ()) or ())
    fields.close()
    return Basis(tax == "included", shipping, tenders)


def _expiry(place: Place) -> Expiry:
    if not isinstance(place.value, dict):
        return _ending(place, "{after: 12 months}, {yearly: …}, {inactivity: …} or never")
    fields = Fields(place)
    if fields.has("by_level", "otherwise"):
        by_level, otherwise = fields.need("by_level", _by_level), fields.need("otherwise", _ending)
        fields.only(("after", "at", "yearly", "inactivity", "renewed_by"), 'it belongs into "otherwise" or a level')
        fields.close()
        return LevelExpiry(by_level, otherwise)
    if fields.has("inactivity", "renewed_by"):
        length, renewed_by = fields.need("inactivity", period(1)), fields.may("renewed_by", _activities, BY_PURCHASE)
        fields.only(("after", "at"), 'it means nothing beside "inactivity"')
        fields.close()
        return InactivityExpiry(length, renewed_by)
    return _ending(place)


def _ending(place: Place, looks_like: str = "{after: 12 months}, {yearly: …} or never") -> EndingExpiry:
    if place.value == "never":
        return None
    fields = Fields(place, looks_like, words=("never",))
    if fields.has("yearly"):
        return _yearly(fields)
    after, at = fields.need("after", period(1)), fields.may("at", choice("end_of_month"), None)
    fields.only(("inactivity", "by_level"), "only after, yearly and never can go by level")
    fields.knows("yearly")
    fields.close()
    return RollingExpiry(after, at is not None)


def _by_level(place: Place) -> tuple[tuple[str, EndingExpiry], ...]:
    fields = Fields(place, "{gold: {after: 24 months}}")
    found: dict[str, EndingExpiry] = {}
    for level in fields.written:
        if isinstance(level, str):
            found[level] = fields.need(level, partial(_of_level, level))
    if not found:
        place.note("no level is named here", "write {gold: {after: 24 months}}")
    fields.close()
    return tuple(found.items())


def _of_level(level: str, place: Place) -> EndingExpiry:
    if level not in place.around.names.get("level", ()):
        _LEVEL(replace(place, value=level))
    return _ending(place)


def _activities(place: Place) -> frozenset[Activity]:
    return frozenset(kind for _, kind in each(place, _ACTIVITY))


def _yearly(fields: Fields) -> YearlyExpiry:
    at, after = fields.need("yearly", solar_day), fields.need("after", period(0))
    fields.close()
    return YearlyExpiry(*at, after)


def _worth(place: Place) -> Fraction:
    minor_units: int = 10 ** exponent(place.around.currency)
    return number(MAX_RATE)(place) * minor_units


def _spending(place: Place) -> Spending | Literal["rewards_only"]:
    if place.value == "rewards_only":
        return "rewards_only"
    fields = Fields(place, "{minimum: 100, multiple: 50} or rewards_only", words=("rewards_only",))
    minimum, multiple = fields.may("minimum", points, 1), fields.may("multiple", points, 1)
    part, proof = fields.may("share_of_purchase", share, Fraction(1)), fields.may("proof", _proof, None)
    fields.close()
    return Spending(minimum, multiple, part, proof)


def _proof(place: Place) -> Proof:
    fields = Fields(place, "{above: 1000, by: [token, code]}")
    above = fields.need("above", whole(0, MAX_POINTS))
    by = fields.need("by", lambda listed: frozenset(kind for _, kind in each(listed, _PROOF)))
    fields.close()
    return Proof(above, by)


def write_wallet(wallet: Wallet, currency: str) -> dict[str, Any]:
    """Return the wallet as `wallet` reads it, every field written."""
    written: dict[str, Any] = {
        "id": wallet.id,
        "name": write_texts(wallet.name),
        "rounding": wallet.rounding,
        "basis": _write_basis(wallet.basis),
        "pending": str(wallet.pending),
        "expiry": _write_expiry(wallet.expiry),
        "spending": _write_spending(wallet.spending),
        "on_return": wallet.on_return,
    }
    if wallet.worth_minor is not None:
        written["worth"] = decimal_text(wallet.worth_minor / 10 ** exponent(currency))
    return written


def write_texts(written: Texts) -> Any:
    """Return a text without a language as itself, others as the map of language to text."""
    return written[""] if set(written) == {""} else dict(written)


def _write_basis(basis: Basis) -> dict[str, Any]:
    written: dict[str, Any] = {"tax": "included" if basis.tax_included else "excluded", "shipping": basis.shipping}
    if basis.tenders_excluded:
        written["tenders_excluded"] = sorted(basis.tenders_excluded)
    return written


def _write_expiry(expiry: Expiry) -> Any:
    match expiry:
        case None:
            return "never"
        case RollingExpiry(after, end_of_month):
            return {"after": str(after), "at": "end_of_month"} if end_of_month else {"after": str(after)}
        case YearlyExpiry(month, day, after):
            return {"yearly": f"{month:02d}-{day:02d}", "after": str(after)}
        case InactivityExpiry(after, renewed_by):
            said = {} if renewed_by == BY_PURCHASE else {"renewed_by": sorted(renewed_by)}
            return {"inactivity": str(after), **said}
        case LevelExpiry(by_level, otherwise):
            each_level = {level: _write_expiry(ending) for level, ending in by_level}
            return {"by_level": each_level, "otherwise": _write_expiry(otherwise)}


def _write_spending(spending: Spending | Literal["rewards_only"]) -> Any:
    if not isinstance(spending, Spending):
        return spending
    written: dict[str, Any] = {
        "minimum": spending.minimum,
        "multiple": spending.multiple,
        "share_of_purchase": decimal_text(spending.share_of_purchase),
    }
    if spending.proof is not None:
        written["proof"] = {"above": spending.proof.above, "by": sorted(spending.proof.by)}
    return written
