"""What tills, shops and staff do with members: enrol them, look them up, keep their cards in order."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from loyalty_engine import clock
from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.limits import guessable
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.responses import answer
from loyalty_engine.api.schemas.members import (
    CardBlockSchema,
    CardReplacementSchema,
    ChangesSchema,
    EnrolledAnswer,
    EnrolmentSchema,
    KeptCardAnswer,
    LookupSchema,
    MemberAnswer,
    MemberStatusAnswer,
    ReasonSchema,
    SaidSchema,
    SeenAnswer,
)
from loyalty_engine.services import cards, enrolment, member_changes, members
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.member_changes import Changes
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
        consents=tuple(_consent(said, f"said at enrolment to {actor}") for said in body["consents"] or ()),
        segments=frozenset(body["segments"] or ()),
        attributes=body["attributes"] or {},
    )


def _consent(said: Mapping[str, Any], otherwise: str) -> GivenConsent:
    """Return what was said, `otherwise` being how it is known where the body doesn't tell."""
    return GivenConsent(
        said["channel"],
        said["purpose"],
        said["given"] is not False,
        said["at"] or clock.now(),
        said["proof"] or otherwise,
    )


@blueprint.route("/lookups", methods=["POST"])
@allow("terminal", "service", "staff", "admin")
@answers(200, SeenAnswer)
@blueprint.arguments(LookupSchema)
@guessable(1)
def look_up(actor: Actor, reference: MemberReference) -> Seen:
    """Say who stands at the till; a POST, so that no phone and no card stands in an address."""
    return members.look_up(reference)


@blueprint.route("/<id:member_id>", methods=["GET"])
@allow("service", "staff", "admin")
@answers(200, MemberAnswer)
def find(actor: Actor, member_id: str) -> Member:
    """Show a member."""
    return members.find(member_id)


@blueprint.route("/<id:member_id>", methods=["PATCH"])
@allow("service", "staff", "admin")
@answers(200, MemberAnswer)
@blueprint.arguments(ChangesSchema)
def change(actor: Actor, body: dict[str, Any], member_id: str) -> Member:
    """Change what is known of a member; asking again changes nothing more, so it takes no key."""
    reason = body.pop("reason")
    return member_changes.change(actor, member_id, Changes(**body), reason)


@blueprint.route("/<id:member_id>/consents/<code:channel>/<code:purpose>", methods=["PUT"])
@allow("service", "staff", "admin")
@answers(200, MemberAnswer)
@blueprint.arguments(SaidSchema)
def put_consent(actor: Actor, body: dict[str, Any], member_id: str, channel: str, purpose: str) -> Member:
    """Keep what a member says about being written to; what was said later than that stays."""
    said = _consent({"channel": channel, "purpose": purpose, **body}, f"said to {actor}")
    return member_changes.put_consent(actor, member_id, said)


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


@blueprint.route("/<id:member_id>/cards/block", methods=["POST"])
@allow("service", "staff", "admin")
@answers(200, KeptCardAnswer)
@takes_key
@blueprint.arguments(CardBlockSchema)
def block_card(actor: Actor, body: dict[str, str], member_id: str) -> Answer:
    """Let a lost card work no longer."""
    return once(
        actor,
        lambda to: _of(members.current_id(to, member_id), cards.block_in(to, actor, body["card"], body["reason"])),
    )


@blueprint.route("/<id:member_id>/cards/replace", methods=["POST"])
@allow("service", "staff", "admin")
@answers(201, KeptCardAnswer)
@takes_key
@blueprint.arguments(CardReplacementSchema)
def replace_card(actor: Actor, body: dict[str, Any], member_id: str) -> Answer:
    """Give the member another card in the place of this one."""
    work = partial(cards.replace_in, actor=actor, number=body["card"], reason=body["reason"], new=body["new_card"])
    return once(actor, lambda to: _of(members.current_id(to, member_id), work(to), 201))


def _status(member: Member) -> Answer:
    return answer({"member_id": member.member_id, "status": member.status})


def _of(member_id: str, card: Any, status: int = 200) -> Answer:
    """Answer with a card; another member's isn't there, and what was done to it is undone."""
    if card.member_id != member_id:
        raise NotFound("unknown_card", "This member has no such card.")
    return answer(card, status)
