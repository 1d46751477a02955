"""Shows a template as a member would get it, in each of its languages, with its segments and its cost; nothing is sent."""

import json
from collections.abc import Mapping
from typing import Any, Final

from loyalty_engine import clock
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.members import checked_id, no_member
from loyalty_engine.services.message_costs import cost_words
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import message_people, survivors
from loyalty_engine.store.message_people import Person
from loyalty_engine.store.session import reading
from rules.errors import Invalid, NotFound
from rules.message_texts import SAMPLE, places_in, said, sms, spoken
from rules.messages import ADDRESSED, BUILT_IN, Consents, channel_for, template_of
from rules.programme import Programme, Template
from rules.salutations import salutation
from rules.segments import MOST, is_gsm, segments

_LETTER: Final = "email"


def preview(actor: Actor, template_id: str, member_id: str, places: Mapping[str, str | int]) -> dict[str, Any]:
    """Return the texts; a place without a value in `places` is filled with an example.

    `channel` is what the member would be reached by now, and `refused` why it would not be. Raises `NotFound`, and
    `Invalid` for a place that the template does not have.
    """
    actor.check_everywhere()
    with reading() as connection:
        programme = plan_for(connection, clock.now()).programme
        template = template_of(programme, template_id)
        if template is None:
            known = sorted({one.id for one in programme.messages.templates} | BUILT_IN.keys())
            raise NotFound("template_not_found", f"There is no template {template_id}; there are: {', '.join(known)}.")
        known_as = survivors.find(connection, checked_id(member_id))
        people, said_of = message_people.load(connection, [known_as]) if known_as else ({}, {})
        person = people.get(known_as or "")
        if person is None or person.status == "erased":
            raise no_member()
        consents = said_of.get(person.member_id, {})
        return _previewed(programme, template, person, consents, _filled(programme, template, places))


def _filled(programme: Programme, template: Template, places: Mapping[str, str | int]) -> dict[str, str | int]:
    named = frozenset().union(*(places_in(text) for text in template.texts.values()))
    wrong = {f"places.{name}": ["the template has no such place"] for name in places if name not in named}
    if wrong:
        raise Invalid("places_unknown", f"The template {template.id} does not have these places.", wrong)
    return {**_examples(programme), **places}


def _examples(programme: Programme) -> dict[str, str | int]:
    names = {"wallet": programme.wallets[0].id}
    if programme.rewards:
        names["reward"] = programme.rewards[0].id
    if programme.tiers:
        names["level"] = programme.tiers.levels[0].id
    return {"reward": "-", "level": "-", **SAMPLE, **names}


def _previewed(
    programme: Programme, template: Template, person: Person, consents: Consents, places: dict[str, str | int]
) -> dict[str, Any]:
    purpose = "code" if template.id in ADDRESSED.values() else template.purpose
    there = frozenset(name for name, address in (("sms", person.phone), ("email", person.email)) if address)
    channel, refused = channel_for(template, purpose, consents, there)
    if person.level is not None:
        places["level"] = person.level
    texts = [_text(programme, template, channel, language, person, places) for language in sorted(template.texts)]
    return {
        "template": template.id,
        "member_id": person.member_id,
        "purpose": template.purpose,
        "channel": channel,
        "refused": refused,
        "language": spoken(template.texts, person.language).language,
        "texts": texts,
    }


def _text(
    programme: Programme,
    template: Template,
    channel: str,
    language: str,
    person: Person,
    places: Mapping[str, str | int],
) -> dict[str, Any]:
    attributes = json.loads(person.attributes or "{}")
    body = said(programme, template, language, places, salutation(person.name, attributes, language))
    told: dict[str, Any] = {"language": language}
    if channel == _LETTER:
        subject = spoken(template.subject or programme.name, language).text
        return told | {
            "subject": subject,
            "text": body.text,
            "encoding": None,
            "segments": 0,
            "too_long": False,
            "cost": None,
        }
    text = sms(programme, template.purpose, [body])
    count = segments(text)
    return told | {
        "subject": None,
        "text": text,
        "encoding": "GSM-7" if is_gsm(text) else "UCS-2",
        "segments": count,
        "too_long": count > MOST,
        "cost": cost_words(programme, channel, count),
    }
