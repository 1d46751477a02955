"""What a version's template asks for and takes, worked out once for each version and kept in the process."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from loyalty_engine.services.caching import Cache
from rules.message_texts import BY_MEMBER, Spoken, longest, longest_segments, places_in, spoken
from rules.messages import purpose_of, template_of
from rules.plan import Plan
from rules.programme import Template

MISSING: Final = "place_missing"


@dataclass(frozen=True, slots=True)
class Known:
    """A template of a version, used for one kind of cause."""

    plan: Plan
    template: Template
    purpose: str
    needed: frozenset[str]
    """The places that a message has to bring values for, in whichever language."""

    def missing(self, places: Mapping[str, str | int]) -> str | None:
        """Return why the template can't be filled; None where it can."""
        return None if self.needed <= places.keys() else MISSING

    def segments(self, language: str) -> int:
        """Return how many segments the longest text to be expected takes in a language."""
        tag = spoken(self.template.texts, language).language
        key = (self.plan.version, self.template.id, tag)
        return _segments.get(key, lambda: longest_segments(self.plan.programme, self.template, tag))

    def longest(self, language: str) -> Spoken:
        """Return the longest body to be expected, to see what goes into one text."""
        tag = spoken(self.template.texts, language).language
        key = (self.plan.version, self.template.id, tag)
        return _longest.get(key, lambda: longest(self.plan.programme, self.template, tag))


_known: Cache[tuple[int, str, str], Known] = Cache(seconds=None, size=1_000)
_segments: Cache[tuple[int, str, str], int] = Cache(seconds=None, size=1_000)
_longest: Cache[tuple[int, str, str], Spoken] = Cache(seconds=None, size=1_000)


def known(plan: Plan, template_id: str, cause_kind: str) -> Known:
    """Return a version's template; it has to be there."""
    return _known.get((plan.version, template_id, cause_kind), lambda: _look(plan, template_id, cause_kind))


def _look(plan: Plan, template_id: str, cause_kind: str) -> Known:
    template = template_of(plan.programme, template_id)
    assert template is not None, f"there is no template {template_id}: a programme that names it can't be published"
    named = frozenset().union(*(places_in(text) for text in template.texts.values()))
    return Known(plan, template, purpose_of(template, cause_kind), named - BY_MEMBER)
