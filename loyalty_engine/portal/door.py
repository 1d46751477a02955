"""The door: a phone number, the code that was sent to it, and for who is new a name, a birthday and consents.

What was typed waits in the sealed session of this browser, never in an address, and only until somebody is inside.
"""

from typing import Final

from flask import redirect, request, session, url_for
from werkzeug.wrappers import Response

from loyalty_engine.portal import cookies, forms
from loyalty_engine.portal.devices import device
from loyalty_engine.portal.edge import address
from loyalty_engine.portal.fields import birthday, chosen_language
from loyalty_engine.portal.forms import attempt, done, field
from loyalty_engine.portal.languages import language
from loyalty_engine.portal.newcomers import CHANNELS, PURPOSES, consents, store_named, where_from
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, everyone, member_of, members_only, visitor
from loyalty_engine.services import sessions, tokens
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.tokens import Issued
from rules.errors import Refusal

_PHONE, _CODE, _STORE, _LANGUAGE = "phone", "code", "store", "language"
_NEW: Final = "not_a_member"


@blueprint.get("/")
@everyone
def start() -> Response:
    """Lead to the card, or to the door."""
    return redirect(url_for("portal.home" if visitor() else "portal.join"), 303)


@blueprint.get("/join", strict_slashes=False)
@everyone
def join() -> Response:
    """Ask for the phone; whoever is signed in is led inside."""
    if visitor() is not None:
        return done("home")
    if named := request.args.get(_STORE):
        session[_STORE] = named[:64]
    return page("join", store_name=store_named(session.get(_STORE)))


@blueprint.post("/join")
@everyone
def ask_code() -> Response:
    """Have a code sent. The answer is the same for every phone."""
    phone = field(_PHONE)
    asked = attempt(sessions.ask_code, phone, language(), address())
    if isinstance(asked, Refusal):
        return page("join", refusal=asked, store_name=store_named(session.get(_STORE)))
    session[_PHONE] = phone
    session.pop(_CODE, None)
    return done("code")


@blueprint.get("/join/code")
@everyone
def code() -> Response:
    """Ask for the code."""
    return page("code", phone=session[_PHONE]) if _PHONE in session else done("join")


@blueprint.post("/join/code")
@everyone
def open_session() -> Response:
    """Sign in, or go on to what is asked of who is new."""
    if _PHONE not in session:
        return done("join")
    typed = "".join(field(_CODE).split())
    opened = attempt(sessions.open_session, session[_PHONE], typed, device(), address())
    if isinstance(opened, Issued):
        return _let_in(opened)
    if opened.code != _NEW:
        return page("code", refusal=opened, phone=session[_PHONE])
    session[_CODE] = typed
    return done("new")


@blueprint.get("/join/new")
@everyone
def new() -> Response:
    """Ask who is new for what they like to tell."""
    return _new() if _CODE in session else done("join")


def _new(refusal: Refusal | None = None) -> Response:
    return page("new", refusal=refusal, channels=CHANNELS, purposes=PURPOSES)


@blueprint.post("/join/new")
@everyone
def enrol() -> Response:
    """Enrol, and sign in."""
    if _CODE not in session:
        return done("join")
    person = attempt(_person)
    if isinstance(person, Refusal):
        return _new(person)
    enrolled = attempt(sessions.enrol, session[_PHONE], session[_CODE], person, device(), address())
    return _new(enrolled) if isinstance(enrolled, Refusal) else _let_in(enrolled, "welcome")


def _person() -> NewMember:
    return NewMember(
        name=field("name") or None,
        birthday=birthday(),
        language=chosen_language() or language(),
        consents=consents(language()),
        attributes=where_from(session.get(_STORE)),
    )


def _let_in(issued: Issued, said: str | None = None) -> Response:
    forms.begin_anew()
    response = done("home", said)
    cookies.keep_member(response, issued.text)
    return response


@blueprint.post("/my/sign-out")
@members_only
def sign_out(actor: Actor) -> Response:
    """End this session, here and in the engine."""
    return signed_out(actor)


def signed_out(actor: Actor) -> Response:
    """Sign the member out: the token opens nothing any more."""
    tokens.end_session(member_of(actor), actor.token_id)
    return led_out("signed_out")


def led_out(said: str) -> Response:
    """Lead to the door, and leave nothing in the browser."""
    forms.begin_anew()
    response = done("join", said)
    cookies.forget_member(response)
    return response
