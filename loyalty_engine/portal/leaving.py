"""Taking one's data along, and leaving: what goes is said before, and asked twice."""

import msgspec
from flask import Response as Plain
from flask import session
from werkzeug.wrappers import Response

from loyalty_engine.portal.door import led_out
from loyalty_engine.portal.edge import address, edge
from loyalty_engine.portal.forms import attempt, done, field
from loyalty_engine.portal.home import wallets
from loyalty_engine.portal.languages import member
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, member_of, members_only
from loyalty_engine.services import erasure, exporting, own_changes
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.own_changes import ERASURE
from rules.errors import Invalid, Refusal

_ASKED = "erasure_code"


@blueprint.get("/my/export")
@members_only
def export(actor: Actor) -> Response:
    """Say what the file holds."""
    return page("export")


@blueprint.get("/my/export/file")
@members_only
def export_file(actor: Actor) -> Plain:
    """Give everything that is kept of the member as a file."""
    edge().exports(actor)
    written = msgspec.json.format(msgspec.json.encode(exporting.export(actor, member_of(actor))), indent=1)
    response = Plain(written, content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@blueprint.get("/my/erase")
@members_only
def erase(actor: Actor) -> Response:
    """Say what would be lost."""
    session.pop(_ASKED, None)
    return _shown(actor)


def _shown(actor: Actor, refusal: Refusal | None = None) -> Response:
    asked = member().phone if _ASKED in session else None
    return page("erase", refusal=refusal, wallets=wallets(member_of(actor)), asked=asked)


@blueprint.post("/my/erase")
@members_only
def erase_now(actor: Actor) -> Response:
    """Erase, of one who signed in just now or has a code for it; else a code is sent first."""
    if not field("sure"):
        return _shown(actor, Invalid("confirmation_missing", "Tick the box first."))
    erased = attempt(_erase, actor)
    if not isinstance(erased, Refusal):
        return led_out("erased")
    if erased.code != "code_needed":
        return _shown(actor, erased)
    sent = attempt(own_changes.ask_code, member_of(actor), ERASURE, None, address())
    if isinstance(sent, Refusal):
        return _shown(actor, sent)
    session[_ASKED] = True
    return done("erase_code")


@blueprint.get("/my/erase/code")
@members_only
def erase_code(actor: Actor) -> Response:
    """Ask for the code as well."""
    return _shown(actor) if _ASKED in session else done("erase")


def _erase(actor: Actor) -> None:
    typed = "".join(field("code").split())
    right = own_changes.check_fresh(actor, typed or None)
    erasure.erase(actor, member_of(actor), erasure.OWN_WISH, right)
