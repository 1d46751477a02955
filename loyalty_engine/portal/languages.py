"""In which language a page speaks: the member's, else the one that was chosen in this browser, else the browser's own."""

from typing import Final, cast

from flask import g, request
from werkzeug.wrappers import Response

from loyalty_engine.portal import cookies
from loyalty_engine.portal.routes import blueprint, member_of, visitor
from loyalty_engine.services import members
from loyalty_engine.services.members import Member
from rules.statement_words import spoken

NAMES: Final = {"en": "English", "zh": "中文"}


def language() -> str:
    """Return the language of this request: `en` or `zh`."""
    if "portal_language" not in g:
        g.portal_language = _chosen() or _members() or _remembered() or browsers()
    return cast(str, g.portal_language)


def _chosen() -> str | None:
    """Return the one that was just chosen; whoever is signed in chooses in the profile."""
    named = request.args.get("language", "")
    return named if named in NAMES and visitor() is None else None


def _members() -> str | None:
    return spoken(member().language) if visitor() is not None else None


def _remembered() -> str | None:
    kept = cookies.language()
    return kept if kept in NAMES else None


def browsers() -> str:
    """Return the language that the browser asks for."""
    return spoken(request.accept_languages.best or "en")


def member() -> Member:
    """Return the member that is signed in, read once a request."""
    if "portal_member" not in g:
        actor = visitor()
        assert actor is not None, "only pages of members ask"
        g.portal_member = members.find(member_of(actor))
    return cast(Member, g.portal_member)


def changed() -> None:
    """Read the member and its language anew: a form has changed them."""
    for name in ("portal_member", "portal_language"):
        g.pop(name, None)


@blueprint.after_request
def remember(response: Response) -> Response:
    """Remember a language that was chosen at the door."""
    if _chosen():
        cookies.keep_language(response, language())
    return response
