"""What marketers do with the programme: check a document, publish it, look at what was published."""

from dataclasses import asdict
from typing import Any

import msgspec
from flask import request

from loyalty_engine.api.auth import allow
from loyalty_engine.api.bodies import document_body, json_body, raw_body, read_document, says_yaml
from loyalty_engine.api.described import answers, reads
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.responses import answer
from loyalty_engine.api.schemas.base import invalid, load
from loyalty_engine.api.schemas.managed import (
    CheckAnswer,
    DocumentAnswer,
    VersionAnswer,
    VersionsAnswer,
)
from loyalty_engine.api.schemas.management import PublishQuery, PublishSchema
from loyalty_engine.services import programmes, publishing
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from rules.errors import Invalid

blueprint = Blueprint("programme", __name__, url_prefix="/v1/programme", description="What marketers do.")

_DOCUMENT = {"type": "string", "description": "the document itself"}


class _Enveloped(msgspec.Struct):
    """The place of a programme inside a body, as it was written: its decimals must stay exact."""

    programme: msgspec.Raw


@blueprint.route("/check", methods=["POST"])
@allow("marketer", "admin")
@answers(200, CheckAnswer)
@reads(_DOCUMENT, "application/yaml")
def check(actor: Actor) -> dict[str, Any]:
    """Say everything that keeps a document, YAML or JSON, from being published."""
    problems = [asdict(problem) for problem in publishing.check(document_body())]
    return {"valid": not problems, "problems": problems}


@blueprint.route("/versions", methods=["POST"])
@allow("marketer", "admin")
@answers(201, VersionAnswer)
@reads(PublishSchema)
@blueprint.arguments(PublishQuery, location="query")
def publish(actor: Actor, query: dict[str, Any]) -> Answer:
    """Publish a document: in JSON beside its reason, or as YAML with the reason behind the question mark."""
    if request.args and not says_yaml():
        raise invalid({name: ["belongs in the body, beside the programme"] for name in request.args})
    document, said = (raw_body(), query) if says_yaml() else _envelope(json_body())
    if said["reason"] is None:
        raise Invalid("invalid_fields", "Say why: ?reason=…", {"reason": ["is required"]})
    return answer(asdict(publishing.publish(actor, document, said["effective_at"], said["reason"])), 201)


def _envelope(raw: bytes) -> tuple[bytes | str, dict[str, Any]]:
    said: dict[str, Any] = load(PublishSchema(), read_document(raw))
    if isinstance(said["programme"], str):
        return said["programme"], said
    return bytes(msgspec.json.decode(raw, type=_Enveloped).programme), said


@blueprint.route("/versions", methods=["GET"])
@allow("marketer", "analyst", "staff", "admin")
@answers(200, VersionsAnswer)
def versions(actor: Actor) -> dict[str, Any]:
    """List what was published."""
    return {"versions": [asdict(version) for version in programmes.versions()]}


@blueprint.route("/versions/<version:number>", methods=["GET"])
@allow("marketer", "analyst", "staff", "admin")
@answers(200, DocumentAnswer)
def version(actor: Actor, number: int) -> dict[str, Any]:
    """Show a published version with its document."""
    found, document = programmes.version(number)
    return asdict(found) | {"document": document}
