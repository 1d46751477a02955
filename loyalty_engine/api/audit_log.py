"""Who did what: the log of all that was managed, newest first."""

from typing import Any

import msgspec

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.schemas.managed import AuditLogAnswer
from loyalty_engine.api.schemas.queries import PageQuery
from loyalty_engine.services import audit_log
from loyalty_engine.services.actors import Actor

blueprint = Blueprint("audit-log", __name__, url_prefix="/v1", description="Who did what.")


@blueprint.route("/audit-log", methods=["GET"])
@allow("admin")
@answers(200, AuditLogAnswer)
@blueprint.arguments(PageQuery, location="query")
def listing(actor: Actor, page: dict[str, Any]) -> dict[str, Any]:
    """List what was done, newest first."""
    entries, following = audit_log.seen_by(actor, page["limit"], page["cursor"])
    shown = [
        {
            "entry_id": one.entry_id,
            "at": one.at,
            "actor": one.actor,
            "action": one.action,
            "target": one.target,
        }
        | {"detail": msgspec.Raw(one.detail.encode())}
        for one in entries
    ]
    return {"entries": shown, "next": following}
