"""A member's own dates: those that the shop marks, in either calendar."""

from typing import Any

from werkzeug.wrappers import Response

from loyalty_engine.portal.days import in_words
from loyalty_engine.portal.fields import birthday
from loyalty_engine.portal.forms import attempt, done, field, missing
from loyalty_engine.portal.languages import language
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, member_of, members_only
from loyalty_engine.portal.texts import PHRASES, say
from loyalty_engine.services import member_dates
from loyalty_engine.services.actors import Actor
from rules.errors import Refusal


@blueprint.get("/my/dates")
@members_only
def dates(actor: Actor) -> Response:
    """Show them, and what can be added."""
    return _shown(actor)


def _shown(actor: Actor, refusal: Refusal | None = None) -> Response:
    own = member_dates.of_member(member_of(actor))
    told: list[dict[str, Any]] = [
        {"name": one.name, "called": called(one.name), "said": in_words(language(), one.day)} for one in own
    ]
    kinds = [(name, called(name)) for name in member_dates.marked()]
    return page("dates", refusal=refusal, dates=told, kinds=kinds)


def called(name: str) -> str:
    """Return what a date is called: in our own words where we have some, else by the marketer's name for it."""
    key = f"date_of_{name}"
    return say(language(), key) if key in PHRASES else name.replace("-", " ").replace("_", " ").capitalize()


@blueprint.post("/my/dates")
@members_only
def put_date(actor: Actor) -> Response:
    """Add a date, or change it."""
    put = attempt(_put, actor)
    return _shown(actor, put) if isinstance(put, Refusal) else done("dates", "date_saved")


def _put(actor: Actor) -> None:
    day = birthday("date")
    if day is None:
        raise missing("date")
    member_dates.put(actor, member_of(actor), field("name"), day)


@blueprint.post("/my/dates/<code:name>/remove")
@members_only
def remove_date(actor: Actor, name: str) -> Response:
    """Take a date away."""
    member_dates.remove(actor, member_of(actor), name)
    return done("dates", "date_removed")
