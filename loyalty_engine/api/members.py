"""What tills, shops and staff do with members: enrol them, look them up, keep their cards in order."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from loyalty_engine import clock
from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.responses import answer
from loyalty_engine.api.schemas.members import (
    CardAnswer,
    CardReplacementSchema,
    EnrolledAnswer,
    EnrolmentSchema,
    LookupSchema,
    MemberAnswer,
    MemberStatusAnswer,
    ReasonSchema,
    SeenAnswer,
)
from loyalty_engine.services import cards, enrolment, member_changes, members
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.members import Member, Seen
from rules.errors import NotFound

blueprint = Blueprint("members", __name__, url_prefix="/v1/members", description="Who they are.")


@blueprint.route("", methods=["POST"])
@allow("terminal", "service", "staff", "admin")
@answers(201, EnrolledAnswer)
@takes_key
@blueprint.arguments(EnrolmentSchema)
def enrol(actor: Actor, body: dict[str, Any]) -> Answer:
    """Enrol a member."""
    return once(actor, partial(enrolment.enrol_in, actor=actor, new=_newcomer(actor, body)))


def _newcomer(actor: Actor, body: Mapping[str, Any]) -> NewMember:
    same = ("external_id", "phone", "name", "email", "language", "birthday")
    return NewMember(
        **{name: body[name] for name in same},
        cards=(body["card"],) if body["card"] else (),
        consents=tuple(_consent(actor, said) for said in body["consents"] or ()),
        segments=frozenset(body["segments"] or ()),
        attributes=body["attributes"] or {},
    )


def _consent(actor: Actor, said: Mapping[str, Any]) -> GivenConsent:
    proof = said["proof"] or f"said at enrolment to {actor}"
    return GivenConsent(
        said["channel"],
        said["purpose"],
        said["given"] is not False,
        said["at"] or clock.now(),
        proof,
    )


@blueprint.route("/lookups", methods=["POST"])
@allow("terminal", "service", "staff", "admin")
@answers(200, SeenAnswer)
@blueprint.arguments(LookupSchema)
def look_up(actor: Actor, reference: MemberReference) -> Seen:
    """Say who stands at the till; a POST, so that no phone and no card stands in an address."""
    return members.look_up(reference)


@blueprint.route("/<id:member_id>", methods=["GET"])
@allow("service", "staff", "admin")
@answers(200, MemberAnswer)
def find(actor: Actor, member_id: str) -> Member:
    """Show a member."""
    return members.find(member_id)


@blueprint.route("/<id:member_id>/suspend", methods=["POST"])
@allow("staff", "admin")
@answers(200, MemberStatusAnswer)
@takes_key
@blueprint.arguments(ReasonSchema)
def suspend(actor: Actor, body: dict[str, str], member_id: str) -> Answer:
    """Let a member's purchases wait for staff instead of earning."""
    reason = body["reason"]
    return once(actor, lambda to: _status(member_changes.suspend_in(to, actor, member_id, reason)))


@blueprint.route("/<id:member_id>/resume", methods=["POST"])
@allow("staff", "admin")
@answers(200, MemberStatusAnswer)
@takes_key
@blueprint.arguments(ReasonSchema)
def resume(actor: Actor, body: dict[str, str], member_id: str) -> Answer:
    """Let a suspended member earn again."""
    reason = body["reason"]
    return once(actor, lambda to: _status(member_changes.resume_in(to, actor, member_id, reason)))


@blueprint.route("/<id:member_id>/cards/<code:number>/block", methods=["POST"])
@allow("service", "staff", "admin")
@answers(200, CardAnswer)
@takes_key
@blueprint.arguments(ReasonSchema)
def block_card(actor: Actor, body: dict[str, str], member_id: str, number: str) -> Answer:
    """Let a lost card work no longer."""
    return once(
        actor, lambda to: _of(members.current_id(to, member_id), cards.block_in(to, actor, number, body["reason"]))
    )


@blueprint.route("/<id:member_id>/cards/<code:number>/replace", methods=["POST"])
@allow("service", "staff", "admin")
@answers(201, CardAnswer)
@takes_key
@blueprint.arguments(CardReplacementSchema)
def replace_card(actor: Actor, body: dict[str, Any], member_id: str, number: str) -> Answer:
    """Give the member another card in the place of this one."""
    return once(
        actor,
        lambda to: _of(
            members.current_id(to, member_id), cards.replace_in(to, actor, number, body["reason"], body["card"]), 201
        ),
    )


def _status(member: Member) -> Answer:
    return answer({"member_id": member.member_id, "status": member.status})


def _of(member_id: str, card: Any, status: int = 200) -> Answer:
    """Answer with a card; another member's isn't there, and what was done to it is undone."""
    if card.member_id != member_id:
        raise NotFound("unknown_card", "This member has no such card.")
    return answer(card, status)
