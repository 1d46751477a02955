"""Reads and writes accrual rules: what earns, multiplies, adds points, or takes lines out.

Source: PROGRAMME.md, A whole example, and Accrual, 2 to 5.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, assert_never

from rules.document_conditions import when, write_condition
from rules.document_filters import line_filter, write_line_filter
from rules.document_surroundings import check_earned
from rules.document_wallets import write_texts
from rules.money import format_amount
from rules.programme import (
    BonusRule,
    Earning,
    EarnRule,
    ExcludeRule,
    MultiplyRule,
    PerFact,
    PerMoney,
    PerPurchase,
    PerUnit,
    Rule,
)
from rules.reading import Fields, Place, Unreadable, items, name_of, reference
from rules.reading_times import local_time
from rules.reading_values import (
    MAX_POINTS,
    amount_above_zero,
    decimal_text,
    flag,
    identifier,
    number,
    points,
    rate,
    texts,
    whole,
)
from rules.shown import shown

MAX_RULES: Final = 200
_PRIORITY: Final = whole(-(10**6), 10**6)
_UNITS: Final = ("unit", "paid_unit", "purchase")


def rule(place: Place) -> Rule:
    """Read one accrual rule: what it gives decides its kind."""
    fields = Fields(place, "a rule")
    common = _common(fields)
    if fields.has("exclude") and not fields.has("earn", "multiply", "bonus"):
        return _exclude_rule(fields, common)
    common |= {"wallet": fields.need("wallet", reference("wallet")), "lines": fields.may("lines", line_filter, ())}
    common |= {"exclusive": fields.may("exclusive", identifier, None), "priority": fields.may("priority", _PRIORITY, 0)}
    if common["priority"] and not fields.has("exclusive"):
        place.at("priority").note("a priority means something only in an exclusive group", 'name one in "exclusive"')
    gives = fields.one_of({"earn": _earning, "multiply": _factor, "bonus": points, "exclude": _beside_another})
    if fields.has("multiply") and common["wallet"] is not None:
        check_earned(place.at("multiply"), common["wallet"], "add a rule with earn")
    fields.close()
    if isinstance(gives, int):
        return BonusRule(points=gives, **common)
    if isinstance(gives, Fraction):
        return MultiplyRule(factor=gives, **common)
    return EarnRule(earn=gives, **common)


def _common(fields: Fields) -> dict[str, Any]:
    starts, ends = fields.may("from", local_time, None), fields.may("to", local_time, None)
    if starts is not None and ends is not None and starts >= ends:
        fields.place.at("to").note(f'"to" must come after "from" ({starts:%Y-%m-%dT%H:%M}); it is exclusive')
    return {
        "id": fields.need("id", identifier),
        "name": fields.may("name", texts(), {}),
        "when": fields.may("when", when, None),
        "starts_at": starts,
        "ends_at": ends,
    }


def _exclude_rule(fields: Fields, common: dict[str, Any]) -> ExcludeRule:
    taken_out = fields.need("exclude", line_filter)
    because = "a rule that takes lines out, for every wallet, has no use for it"
    fields.only(("wallet", "lines", "exclusive", "priority"), because)
    fields.close()
    return ExcludeRule(lines=taken_out, **common)


def _beside_another(place: Place) -> int:
    line_filter(place)
    raise Unreadable  # a rule with `exclude` alone is read elsewhere: this one is refused


def _factor(place: Place) -> Fraction:
    factor = rate(place)
    if factor <= 1:
        raise place.wrong(f"{shown(place.value)} adds nothing", "write more than 1; 2 adds as much again")
    return factor


def _earning(place: Place) -> Earning:
    fields = Fields(place, '{points: 1, per: "1.00"} or {points: 1, each: unit}')
    given = fields.need("points", number(MAX_POINTS))
    earning: Earning
    if not fields.has("per", "each"):
        place.note('neither "per" nor "each" is written', 'write per: "1.00" for money, or each: unit')
        fields.knows("per", "each", "whole", "at_least", "by")
        fields.note_unknown()
        raise Unreadable
    if fields.has("per"):
        earning = PerMoney(given, fields.need("per", amount_above_zero), fields.may("whole", flag, False))
        fields.only(("each", "at_least", "by"), 'it means nothing beside "per"')
    else:
        each_one = fields.need("each", identifier)
        earning = _per_fact(fields, given, each_one) if each_one not in _UNITS else _per_unit(fields, given, each_one)
    fields.close()
    return earning


def _per_unit(fields: Fields, given: Fraction, each_one: str) -> Earning:
    fields.only(("at_least", "by"), f'it means nothing with "each: {each_one}"')
    return PerPurchase(given) if each_one == "purchase" else PerUnit(given, each_one == "paid_unit")


def _per_fact(fields: Fields, given: Fraction, fact: str) -> PerFact:
    at_least = fields.may("at_least", number(MAX_POINTS), None)
    rate_by, rates = fields.may("by", _rate_table, None) or (None, {})
    return PerFact(given, fact, at_least, rate_by, rates)


def _rate_table(place: Place) -> tuple[str, Mapping[str, Fraction]]:
    facts: dict[Any, Any] = place.value if isinstance(place.value, dict) else {}
    if len(facts) != 1:
        place.note("a table of rates goes by one fact", "write {booking_class: {F: 150%, Y: 100%}}")
    fields = Fields(place, "{booking_class: {F: 150%, Y: 100%}}")
    rates = {fact: fields.need(fact, _rates) for fact in facts if isinstance(fact, str)}
    fields.close()
    fact, table = next(iter(rates.items()), ("", {}))
    if facts.get(fact) == {}:
        place.note("the table is empty", "write {booking_class: {F: 150%, Y: 100%}}")
    return fact, table


def _rates(place: Place) -> Mapping[str, Fraction]:
    fields = Fields(place, "a table such as {F: 150%, Y: 100%}")
    rates = {key: fields.need(key, rate) for key in fields.written if isinstance(key, str)}
    fields.close()
    return rates


def check_exclusive_groups(rules: Place) -> None:
    """Note groups over two wallets, and groups that mix earning rules with others, whatever else is wrong with a rule.

    Earning rules are judged before multipliers exist, so a group of both would have no order to be judged in.
    """
    first_in: dict[tuple[str, str], tuple[Place, object]] = {}
    for item in items(rules, MAX_RULES):
        group = item.at("exclusive")
        if not isinstance(group.value, str) or item.at("exclude").value is not None:
            continue
        for kind, found in (("wallet", _known_wallet(item)), ("earns", _earns(item))):
            other, theirs = (
                first_in.setdefault((group.value, kind), (item, found)) if found is not None else (item, found)
            )
            if found != theirs:
                _note_mixed(group, other, theirs, found)


def _known_wallet(rule: Place) -> str | None:
    wallet = rule.at("wallet").value
    return wallet if isinstance(wallet, str) and wallet in rule.around.names.get("wallet", ()) else None


def _earns(rule: Place) -> bool | None:
    gives = [kind for kind in ("earn", "multiply", "bonus") if rule.at(kind).value is not None]
    return gives == ["earn"] if gives else None


def _note_mixed(group: Place, other: Place, theirs: object, found: object) -> None:
    name = f"the group {shown(group.value)}"
    if isinstance(found, str):
        message = f'{name} lies in the wallet "{theirs}" of {name_of(other)}, this rule in "{found}"'
        group.note(message, "name another group")
    else:
        message = f"{name} mixes rules that earn with multipliers or bonuses ({name_of(other)})"
        group.note(message, "give the rules that earn a group of their own")


def write_rule(rule: Rule, currency: str) -> dict[str, Any]:
    """Return the rule as `rule` reads it, without the fields that say nothing."""
    written: dict[str, Any] = {"id": rule.id}
    if rule.name:
        written["name"] = write_texts(rule.name)
    if not isinstance(rule, ExcludeRule):
        written |= {"wallet": rule.wallet}
        written |= {"exclusive": rule.exclusive, "priority": rule.priority} if rule.exclusive else {}
    if rule.when is not None:
        written["when"] = write_condition(rule.when, currency)
    for key, moment in (("from", rule.starts_at), ("to", rule.ends_at)):
        if moment is not None:
            written[key] = moment.replace(tzinfo=None).isoformat()
    if rule.lines:
        written["exclude" if isinstance(rule, ExcludeRule) else "lines"] = write_line_filter(rule.lines)
    return written | _write_gives(rule, currency)


def _write_gives(rule: Rule, currency: str) -> dict[str, Any]:
    match rule:
        case EarnRule():
            return {"earn": _write_earning(rule.earn, currency)}
        case MultiplyRule():
            return {"multiply": decimal_text(rule.factor)}
        case BonusRule():
            return {"bonus": rule.points}
        case ExcludeRule():
            return {}
        case _:
            assert_never(rule)


def _write_earning(earning: Earning, currency: str) -> dict[str, Any]:
    given: dict[str, Any] = {"points": decimal_text(earning.points)}
    match earning:
        case PerMoney(_, per_minor, is_whole):
            return given | {"per": format_amount(per_minor, currency)} | ({"whole": True} if is_whole else {})
        case PerUnit(_, paid):
            return given | {"each": "paid_unit" if paid else "unit"}
        case PerPurchase():
            return given | {"each": "purchase"}
        case PerFact(_, fact, at_least, rate_by, rates):
            given |= {"each": fact} | ({} if at_least is None else {"at_least": decimal_text(at_least)})
            table = {name: decimal_text(row) for name, row in rates.items()}
            return given | ({} if rate_by is None else {"by": {rate_by: table}})
        case _:
            assert_never(earning)
