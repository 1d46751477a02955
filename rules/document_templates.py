"""Reads and writes the templates of messages, and sees before publishing what would fail when they are sent.

Known beforehand is which places a cause can fill, and how long a text gets with the longest values to be expected.
Source: PROGRAMME.md, messages; RELIABILITY.md, Doors (named places only, three segments at most).
"""

import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from rules.document_wallets import write_texts
from rules.message_texts import BY_MEMBER, longest_segments, places_in
from rules.messages import BUILT_IN, CAN_FILL, OF_NOTICES, PHONE_CHANGED, filled_by
from rules.programme import CHANNELS, Channel, Programme, Template
from rules.reading import Fields, Place, Reader, Unreadable, choice, each
from rules.reading_values import identifier, languages, text, texts
from rules.segments import MOST

PLACES: Final = (
    "salutation",
    "programme",
    "wallet",
    "points",
    "balance",
    "level",
    "reward",
    "code",
    "minutes",
    "years",
    "valid_until",
    "expires_on",
)
"""What a template may name in braces."""

_LONGEST: Final = 459
"""Characters in three segments of an SMS."""
_BRACES: Final = re.compile(r"\{[^{}]*\}|[{}]")
_PURPOSE: Final[Reader[Literal["service", "greeting", "marketing"]]] = choice("service", "greeting", "marketing")
_CHANNEL: Final[Reader[Channel]] = choice("sms", "email")


def template(place: Place) -> Template:
    """Read one template; of one that has a problem, what can be read of it."""
    fields = Fields(place, 'a template such as {id: …, purpose: service, en: "…"}')
    found_id, purpose = fields.need("id", identifier), fields.need("purpose", _PURPOSE)
    channels, subject = fields.may("channels", _channels, CHANNELS), fields.may("subject", texts(), {})
    found = languages(fields, _text, but="id")
    if not found:
        place.note("the template has no text", 'write en: "…", zh: "…"')
    channels = channels or CHANNELS
    if subject and "email" not in channels:
        place.at("subject").note('only an e-mail has a subject, and "channels" has none', "leave it out")
    if found_id == "everything":
        place.at("id").note('"everything" is what is paused when all of them are', "give it another id")
    if found_id == PHONE_CHANGED.id and channels != ("sms",) and fields.has("channels"):
        place.at("channels").note("the number that was replaced is told by SMS", "write [sms]")
    if found_id == "code" and channels != ("sms",) and fields.has("channels"):
        place.at("channels").note("a one-time code is sent by SMS, which proves the telephone", "write [sms]")
    fields.note_unknown()
    if not found_id:
        raise Unreadable
    return Template(found_id, purpose, {tag: words for tag, words in found.items() if words}, channels, subject or {})


def _channels(place: Place) -> tuple[Channel, ...]:
    found: list[Channel] = []
    for item, channel in each(place, _CHANNEL, len(CHANNELS)):
        if channel in found:
            item.note(f'"{channel}" is listed twice', "name it once")
        found.append(channel)
    return tuple(found)


def _text(place: Place) -> str:
    found = text(_LONGEST)(place)
    alone = False
    for brace in _BRACES.findall(found):
        if len(brace) == 1 and not alone:
            place.note(f'a "{brace}" stands alone', 'write places as "{salutation}"')
            alone = True
        elif len(brace) > 1 and brace[1:-1] not in PLACES:
            known = ", ".join(f"{{{name}}}" for name in PLACES)
            place.note(f'there is no place "{brace[:70]}"', place.nearest(brace[1:-1], PLACES, f"known here: {known}"))
    return found


def write_template(template: Template) -> dict[str, Any]:
    """Return the template as `template` reads it."""
    written: dict[str, Any] = {"id": template.id, "purpose": template.purpose, **template.texts}
    if template.channels != CHANNELS:
        written["channels"] = list(template.channels)
    if template.subject:
        written["subject"] = write_texts(template.subject)
    return written


def check_templates(programme: Programme, place: Place) -> None:
    """Note the texts that some cause could not fill, and those that are too long to be sent."""
    listed = place.at("templates").value
    if not isinstance(listed, list | tuple):
        return
    known = {one.id: one for one in programme.messages.templates}
    for index, written in enumerate(listed):
        found = known.get(written["id"]) if isinstance(written, dict) and isinstance(written.get("id"), str) else None
        if found is not None:
            _check(programme, found, place.at("templates").item(index, written))


def _check(programme: Programme, template: Template, place: Place) -> None:
    if template.id in BUILT_IN and template.purpose not in (None, "service"):
        place.at("purpose").note(f'"{template.id}" tells members what happened', "write service")
    for language, words in template.texts.items():
        named = places_in(words) - BY_MEMBER
        for cause, given in _causes(programme, template.id):
            for missing in sorted(named & set(PLACES) - given):
                can = ", ".join(f"{{{name}}}" for name in sorted(given | BY_MEMBER))
                place.at(language).note(f"{cause} has no value for {{{missing}}}", f"it can fill {can}")
        if "sms" in template.channels and named <= set(PLACES) and not place.has_problem("messages.signature"):
            count = longest_segments(programme, template, language)
            if count > MOST:
                place.at(language).note(
                    f"with its longest values the text takes {count} segments; at most {MOST} are sent", "shorten it"
                )


def _causes(programme: Programme, template_id: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what sends a template, in words, with the places that it fills."""
    for occasion in programme.occasions:
        if occasion.message == template_id:
            yield f'the occasion "{occasion.id}"', filled_by(occasion)
    notices = programme.messages.expiry_notices
    if notices is not None and notices.template == template_id:
        yield "an expiry notice", OF_NOTICES
    if template_id in CAN_FILL:
        yield f'the message "{template_id}"', CAN_FILL[template_id]
