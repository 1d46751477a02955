"""What a member is called, where mail goes, in which language, when its birthday is, and which phone opens the door."""

from flask import session
from werkzeug.wrappers import Response

from loyalty_engine.portal import languages
from loyalty_engine.portal.days import in_words
from loyalty_engine.portal.edge import address
from loyalty_engine.portal.fields import birthday, chosen_language
from loyalty_engine.portal.forms import attempt, done, field
from loyalty_engine.portal.languages import language, member
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, member_of, members_only
from loyalty_engine.services import own_changes
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.member_changes import KEEP, Changes
from loyalty_engine.services.own_changes import PHONE_CHANGE
from rules.errors import Refusal

_PHONE = "new_phone"


@blueprint.get("/my/profile")
@members_only
def profile(actor: Actor) -> Response:
    """Show what is known, to be changed."""
    return _shown()


def _shown(refusal: Refusal | None = None) -> Response:
    born = member().birthday
    return page("profile", refusal=refusal, member=member(), birthday=in_words(language(), born) if born else None)


@blueprint.post("/my/profile")
@members_only
def change_profile(actor: Actor) -> Response:
    """Change it, all or nothing."""
    changed = attempt(_change, actor)
    if isinstance(changed, Refusal):
        return _shown(changed)
    languages.changed()
    return done("profile", "saved")


def _change(actor: Actor) -> None:
    born = birthday() if member().birthday is None else None
    wanted = Changes(
        name=field("name") or None,
        email=field("email") or None,
        language=chosen_language() or language(),
        birthday=born or KEEP,
    )
    own_changes.change(actor, wanted, None)


@blueprint.get("/my/phone")
@members_only
def phone(actor: Actor) -> Response:
    """Ask for the new number."""
    session.pop(_PHONE, None)
    return page("phone", member=member(), asked=None)


@blueprint.post("/my/phone")
@members_only
def ask_phone_code(actor: Actor) -> Response:
    """Have a code sent to it."""
    number = field("phone")
    asked = attempt(own_changes.ask_code, member_of(actor), PHONE_CHANGE, number, address())
    if isinstance(asked, Refusal):
        return page("phone", refusal=asked, member=member(), asked=None)
    session[_PHONE] = number
    return done("phone_code")


@blueprint.get("/my/phone/code")
@members_only
def phone_code(actor: Actor) -> Response:
    """Ask for the code."""
    return page("phone", member=member(), asked=session[_PHONE]) if _PHONE in session else done("phone")


@blueprint.post("/my/phone/code")
@members_only
def change_phone(actor: Actor) -> Response:
    """Change the number; other devices are signed out by that."""
    if _PHONE not in session:
        return done("phone")
    code = "".join(field("code").split())
    changed = attempt(own_changes.change, actor, Changes(phone=session[_PHONE]), code)
    if isinstance(changed, Refusal):
        return page("phone", refusal=changed, member=member(), asked=session[_PHONE])
    session.pop(_PHONE)
    return done("profile", "phone_changed")
