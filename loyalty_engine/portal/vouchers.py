"""Vouchers with their codes: as a drawing for the scanner, and in groups to be read aloud."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from loyalty_engine.portal import qr
from loyalty_engine.portal.languages import language
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, member_of, members_only
from loyalty_engine.portal.texts import say
from loyalty_engine.services import vouchers as service
from loyalty_engine.services.actors import Actor
from rules.phrases import Tongue

_A_PAGE = 30
_USABLE = ("issued", "held")


@blueprint.get("/my/vouchers")
@members_only
def vouchers(actor: Actor) -> Response:
    """Show a page of vouchers: those that can be used first."""
    found = service.of_member(member_of(actor), request.args.get("before"), _A_PAGE)
    shown = [_with_words(one) for one in found["vouchers"]]
    usable = [one for one in shown if one["status"] in _USABLE]
    usable.sort(key=lambda one: str(one["valid_through"] or "9999"))
    over = [one for one in shown if one["status"] not in _USABLE]
    return page("vouchers", usable=usable, over=over, older=found["next"], is_first="before" not in request.args)


def _with_words(voucher: dict[str, Any]) -> dict[str, Any]:
    called = Tongue(language()).name(voucher["name"], voucher["reward"])
    usable = voucher["status"] in _USABLE
    code = qr.drawn(voucher["code"], say(language(), "voucher_qr", name=called)) if usable else None
    return voucher | {"called": called, "drawn": code}
