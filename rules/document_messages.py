"""Reads and writes messages: quiet hours, limits, notices before points lapse, and templates with named places only.

Source: PROGRAMME.md, A whole example; RELIABILITY.md, Doors (templates are not Jinja: nothing in them is evaluated).
"""

import re
from collections.abc import Mapping
from datetime import time
from typing import Any, Final, Literal

from rules.document_gifts import times_per, write_times_per
from rules.document_wallets import write_texts
from rules.programme import ExpiryNotices, Messages, QuietHours, Template, TimesPer
from rules.reading import Fields, Place, Reader, choice, each, each_named, reference
from rules.reading_times import clock_time, span_of_day
from rules.reading_values import (
    MAX_POINTS,
    identifier,
    languages,
    per_time,
    text,
    texts,
    whole,
)

PLACES: Final = (
    "salutation",
    "programme",
    "wallet",
    "points",
    "balance",
    "level",
    "reward",
    "code",
    "years",
    "valid_until",
    "expires_on",
)
"""What a template may name in braces."""

MAX_TEMPLATES: Final = 200
_LONGEST: Final = 459
"""Characters in three segments of an SMS."""
_BRACES: Final = re.compile(r"\{[^{}]*\}|[{}]")
_PURPOSE: Final[Reader[Literal["service", "greeting", "marketing"]]] = choice("service", "greeting", "marketing")
_DEFAULT: Final = Messages()


def messages(place: Place) -> Messages:
    """Read how and when members are written to."""
    fields = Fields(place, "settings and templates")
    templates = fields.may("templates", lambda listed: each_named(listed, _template, MAX_TEMPLATES), [])
    quiet = fields.may("quiet_hours", lambda span: QuietHours(*span_of_day(span)), None)
    at = fields.may("at", clock_time, _DEFAULT.at)
    signature = fields.may("signature", texts(40), {})
    limit, notices = fields.may("limit", _limit, {}), fields.may("expiry_notices", _expiry_notices, None)
    fields.close()
    if quiet is not None and _within(at, quiet):
        place.at("at").note(
            f"messages would be sent at {at:%H:%M}, in the quiet hours", f"write a time from {quiet.ends:%H:%M} on"
        )
    return Messages(tuple(found for _, found in templates), quiet, at, signature, limit, notices)


def _within(at: time, quiet: QuietHours) -> bool:
    if quiet.starts < quiet.ends:
        return quiet.starts <= at < quiet.ends
    return at >= quiet.starts or at < quiet.ends


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


def _template(place: Place) -> Template:
    fields = Fields(place, 'a template such as {id: …, purpose: service, en: "…"}')
    found_id, purpose = fields.need("id", identifier), fields.need("purpose", _PURPOSE)
    found = languages(fields, _template_text, but="id")
    if not found:
        place.note("the template has no text", 'write en: "…", zh: "…"')
    fields.close()
    return Template(found_id, purpose, found)


def _template_text(place: Place) -> str:
    found = text(_LONGEST)(place)
    for brace in _BRACES.findall(found):
        if len(brace) == 1:
            raise place.wrong(f'a "{brace}" stands alone', 'write places as "{salutation}"')
        if brace[1:-1] not in PLACES:
            known = ", ".join(f"{{{name}}}" for name in PLACES)
            place.note(f'there is no place "{brace[:70]}"', place.nearest(brace[1:-1], PLACES, f"known here: {known}"))
    return found


def write_messages(messages: Messages) -> dict[str, Any]:
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
    if messages.templates:
        written["templates"] = [_write_template(template) for template in messages.templates]
    return written


def _write_template(template: Template) -> dict[str, Any]:
    return {"id": template.id, "purpose": template.purpose, **template.texts}
