"""Reads and writes how members are written to: quiet hours, limits, costs, and notices before points lapse.

Source: PROGRAMME.md, A whole example.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from rules.document_gifts import times_per, write_times_per
from rules.document_templates import template, write_template
from rules.document_wallets import write_texts
from rules.message_times import is_quiet
from rules.money import exponent
from rules.programme import ExpiryNotices, Messages, QuietHours, TimesPer
from rules.reading import Fields, Place, each, each_named, reference
from rules.reading_times import clock_time, span_of_day
from rules.reading_values import (
    MAX_POINTS,
    MAX_RATE,
    decimal_text,
    number,
    per_time,
    texts,
    whole,
)

MAX_TEMPLATES: Final = 200
_DEFAULT: Final = Messages()


def messages(place: Place) -> Messages:
    """Read how and when members are written to; of what has a problem, what can be read of it."""
    fields = Fields(place, "settings and templates")
    templates = fields.may("templates", lambda listed: each_named(listed, template, MAX_TEMPLATES), [])
    quiet = fields.may("quiet_hours", lambda span: QuietHours(*span_of_day(span)), None)
    at = fields.may("at", clock_time, _DEFAULT.at)
    signature = fields.may("signature", texts(40), {})
    limit, notices = fields.may("limit", _limit, {}), fields.may("expiry_notices", _expiry_notices, None)
    cost = fields.may("cost", _cost, {})
    fields.note_unknown()
    if quiet is not None and at is not None and is_quiet(quiet, at):
        place.at("at").note(
            f"messages would be sent at {at:%H:%M}, in the quiet hours", f"write a time from {quiet.ends:%H:%M} on"
        )
    found = tuple(template for _, template in templates or ())
    return Messages(found, quiet, at, signature or {}, limit or {}, notices, cost or {})


def _limit(place: Place) -> Mapping[str, TimesPer]:
    fields = Fields(place, "{greeting: {per: day, times: 1}}")
    found = {
        purpose: fields.may(purpose, times_per(per_time), None) for purpose in ("service", "greeting", "marketing")
    }
    fields.close()
    return {purpose: limit for purpose, limit in found.items() if limit is not None}


def _expiry_notices(place: Place) -> ExpiryNotices:
    fields = Fields(place, "{days_before: [30, 7], at_least: 100, template: …}")
    days = fields.need("days_before", _days_before)
    at_least = fields.may("at_least", whole(0, MAX_POINTS), 1)
    template = fields.need("template", reference("template"))
    fields.close()
    return ExpiryNotices(days, at_least, template)


def _days_before(place: Place) -> tuple[int, ...]:
    found = each(place, whole(1, 3_650), 12)
    days = [day for _, day in found]
    for index, (item, day) in enumerate(found):
        if day in days[:index]:
            item.note(f"{day} is listed twice", "name it once")
    return tuple(days)


def _cost(place: Place) -> Mapping[str, Fraction]:
    fields = Fields(place, '{sms: "0.045"}')
    found = {channel: fields.may(channel, _price, None) for channel in ("sms",)}
    fields.close()
    return {channel: price for channel, price in found.items() if price is not None}


def _price(place: Place) -> Fraction:
    minor_units: int = 10 ** exponent(place.around.currency)
    return number(MAX_RATE, may_be_zero=True)(place) * minor_units


def write_messages(messages: Messages, currency: str) -> dict[str, Any]:
    """Return the settings and templates as `messages` reads them."""
    written: dict[str, Any] = {"at": messages.at.isoformat()}
    if messages.quiet_hours is not None:
        quiet = messages.quiet_hours
        written["quiet_hours"] = {"from": quiet.starts.isoformat(), "to": quiet.ends.isoformat()}
    if messages.signature:
        written["signature"] = write_texts(messages.signature)
    if messages.limit:
        written["limit"] = {purpose: write_times_per(limit) for purpose, limit in messages.limit.items()}
    if messages.expiry_notices is not None:
        notices = messages.expiry_notices
        written["expiry_notices"] = {
            "days_before": list(notices.days_before),
            "at_least": notices.at_least,
            "template": notices.template,
        }
    if messages.cost_minor:
        unit = 10 ** exponent(currency)
        written["cost"] = {channel: decimal_text(price / unit) for channel, price in messages.cost_minor.items()}
    if messages.templates:
        written["templates"] = [write_template(template) for template in messages.templates]
    return written
