"""The cookies of the pages: the member's token, which no script reads, and the language that somebody chose."""

from datetime import timedelta
from typing import Final

from flask import request
from werkzeug.wrappers import Response

from loyalty_engine.services.settings import settings

MEMBER: Final = "loyalty_member"
LANGUAGE: Final = "loyalty_language"
FORM: Final = "loyalty_form"
_YEAR: Final = timedelta(days=365)
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def must_be_secure() -> bool:
    """Tell whether cookies go over HTTPS only: always, but on this machine itself, where there may be none.

    A proxy may pass on no more than the loopback's name: where the pages are reached by HTTPS from outside, it is always.
    """
    name = request.host if request.host.endswith("]") else request.host.rpartition(":")[0] or request.host
    return request.is_secure or name not in _LOOPBACK or settings().public_url.startswith("https")


def member_token() -> str | None:
    """Return the token that came with the request."""
    return request.cookies.get(MEMBER)


def keep_member(response: Response, token: str) -> None:
    """Let the browser keep a member's token; how long it opens anything, the token itself knows."""
    response.set_cookie(MEMBER, token, max_age=_YEAR, secure=must_be_secure(), httponly=True, samesite="Lax", path="/")


def forget_member(response: Response) -> None:
    """Let the browser forget the token."""
    response.delete_cookie(MEMBER, secure=must_be_secure(), httponly=True, samesite="Lax", path="/")


def language() -> str | None:
    """Return the language that was chosen in this browser."""
    return request.cookies.get(LANGUAGE)


def keep_language(response: Response, chosen: str) -> None:
    """Let the browser remember a language."""
    response.set_cookie(
        LANGUAGE, chosen, max_age=_YEAR, secure=must_be_secure(), httponly=True, samesite="Lax", path="/"
    )
