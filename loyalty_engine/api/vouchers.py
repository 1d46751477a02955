"""Vouchers at the till, by their code alone, and in a member's hands."""

from datetime import timedelta
from functools import partial
from typing import Any

from flask import current_app

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.limits import guessable
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.schemas.queries import PageQuery
from loyalty_engine.api.schemas.vouchers import (
    CancelledAnswer,
    VoucherAnswer,
    VoucherCancellationSchema,
    VoucherRedemptionSchema,
    VouchersAnswer,
    VoucherUseSchema,
)
from loyalty_engine.services import vouchers
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.voucher_cancelling import cancel_in
from loyalty_engine.services.voucher_redeeming import hold_in, redeem_in, release_in

blueprint = Blueprint("vouchers", __name__, url_prefix="/v1", description="What rewards became.")


@blueprint.route("/vouchers/<voucher:code>", methods=["GET"])
@allow("terminal", "service", "staff", "admin")
@answers(200, VoucherAnswer)
@guessable(1)
def look_up(actor: Actor, code: str) -> dict[str, Any]:
    """Say what a code is good for; capitals, spaces and hyphens don't matter, nor O for 0, nor I and L for 1."""
    return vouchers.look_up(code)


@blueprint.route("/vouchers/<voucher:code>/redeem", methods=["POST"])
@allow("terminal", "service", "staff", "admin")
@answers(200, VoucherAnswer)
@blueprint.arguments(VoucherRedemptionSchema)
@takes_key
@guessable(1)
def redeem(actor: Actor, body: dict[str, Any], code: str) -> Answer:
    """Use a voucher, or with `hold` set it aside while a purchase is paid."""
    work = partial(redeem_in, **_use(actor, body, code))
    if body["hold"]:
        minutes = current_app.extensions["loyalty_settings"].voucher_hold_minutes
        work = partial(hold_in, length=timedelta(minutes=minutes), **_use(actor, body, code))
    return once(actor, work)


@blueprint.route("/vouchers/<voucher:code>/release", methods=["POST"])
@allow("terminal", "service", "staff", "admin")
@answers(200, VoucherAnswer)
@blueprint.arguments(VoucherUseSchema)
@takes_key
@guessable(1)
def release(actor: Actor, body: dict[str, Any], code: str) -> Answer:
    """Free a voucher that was set aside."""
    return once(actor, partial(release_in, **_use(actor, body, code)))


def _use(actor: Actor, body: dict[str, Any], code: str) -> dict[str, Any]:
    return {"actor": actor, "code": code, "purchase_id": body["purchase_id"], "store_id": body["store"]}


@blueprint.route("/vouchers/<voucher:code>/cancel", methods=["POST"])
@allow("staff", "admin")
@answers(200, CancelledAnswer)
@blueprint.arguments(VoucherCancellationSchema)
@takes_key
def cancel(actor: Actor, body: dict[str, Any], code: str) -> Answer:
    """Cancel a voucher that was not used; what it cost comes back."""
    work = partial(cancel_in, actor=actor, code=code, reason=body["reason"])
    return once(actor, work)


@blueprint.route("/members/<id:member_id>/vouchers", methods=["GET"])
@allow("service", "staff", "admin")
@answers(200, VouchersAnswer)
@blueprint.arguments(PageQuery, location="query")
def vouchers_of(actor: Actor, page: dict[str, Any], member_id: str) -> dict[str, Any]:
    """List a member's vouchers, newest first."""
    return vouchers.of_member(member_id, page["cursor"], page["limit"])


@blueprint.route("/me/vouchers", methods=["GET"])
@allow("member")
@answers(200, VouchersAnswer)
@blueprint.arguments(PageQuery, location="query")
def my_vouchers(actor: Actor, page: dict[str, Any]) -> dict[str, Any]:
    """List my vouchers, newest first."""
    assert actor.member_id is not None, "a member's token names its member"
    return vouchers.of_member(actor.member_id, page["cursor"], page["limit"])
