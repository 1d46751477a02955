"""Posts one purchase of an import by the way of a till, but at its own time, and says what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.claims import try_again_in
from loyalty_engine.services.intake import PostedPurchase
from loyalty_engine.services.purchase_documents import decode_json
from loyalty_engine.services.purchases import post_in
from loyalty_engine.services.sites import own_site
from loyalty_engine.store import purchase_keys
from rules.errors import Refusal

Status = Literal["posted", "replayed", "unresolved", "unclaimed", "refused"]


@dataclass(frozen=True, slots=True)
class PostingResult:
    """What became of one purchase; `points` is what accrual gave, by wallet."""

    status: Status
    points: Mapping[str, int] = field(default_factory=dict)
    code: str | None = None
    detail: str | None = None
    wrong: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By field, what is wrong there."""


def post_one(connection: sa.Connection, actor: Actor, posted: PostedPurchase) -> PostingResult:
    """Post one purchase by the way of a till, but booked at its own time."""
    try:
        answer = post_in(connection, actor, posted, replays_history=True)
    except Refusal as refusal:
        return PostingResult("refused", code=refusal.code, detail=refusal.detail, wrong=refusal.errors)
    said = decode_json(answer.body.decode())
    if not answer.replayed:
        return _result(said)
    waited = said["status"] == "unresolved" or (said["status"] == "unclaimed" and posted.member is not None)
    return _repeated(connection, actor, posted) if waited else PostingResult("replayed")


def _repeated(connection: sa.Connection, actor: Actor, posted: PostedPurchase) -> PostingResult:
    """Try a purchase anew that waits for its member; say of one that still waits why, as the first time."""
    store = own_site(connection, actor, posted.store, posted.terminal).store
    key = purchase_keys.first_key(connection, purchase_keys.purchase_key(store, posted.purchase_id))
    found = try_again_in(connection, actor, key, posted.member)
    if isinstance(found, Answer):
        return _result(decode_json(found.body.decode()))
    return PostingResult("unresolved", code=found.code, detail=found.detail) if found else PostingResult("replayed")


def _result(said: Mapping[str, Any]) -> PostingResult:
    points = {one["wallet"]: one["points"] for one in said.get("points", ())}
    return PostingResult(said["status"], points, said.get("reason"), said.get("detail"))
