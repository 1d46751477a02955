"""What operators say of merchants, their stores, terminals and groups. Putting the same again changes nothing."""

from dataclasses import asdict
from typing import Any

from loyalty_engine.api.auth import allow
from loyalty_engine.api.bodies import MAX_BATCH, takes_up_to
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.schemas.managed import (
    MerchantAnswer,
    MerchantsAnswer,
    StoreAnswer,
    StoreGroupAnswer,
    StoreGroupsAnswer,
    StoresAnswer,
    TerminalsAnswer,
)
from loyalty_engine.api.schemas.management import MerchantSchema, StoreGroupSchema, StoreSchema
from loyalty_engine.api.schemas.queries import PageQuery
from loyalty_engine.services import stores
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.stores import Merchant, Store

blueprint = Blueprint("stores", __name__, url_prefix="/v1", description="Where purchases are made.")


@blueprint.route("/merchants", methods=["GET"])
@allow("admin", "staff", "marketer", "analyst")
@answers(200, MerchantsAnswer)
def merchants(actor: Actor) -> dict[str, Any]:
    """List the merchants."""
    return {"merchants": [asdict(merchant) for merchant in stores.merchants(actor)]}


@blueprint.route("/merchants/<code:merchant_id>", methods=["PUT"])
@allow("admin")
@answers(200, MerchantAnswer)
@blueprint.arguments(MerchantSchema)
def put_merchant(actor: Actor, body: dict[str, Any], merchant_id: str) -> dict[str, Any]:
    """Add a merchant, or rename it."""
    return asdict(stores.put_merchant(actor, Merchant(merchant_id, **body)))


@blueprint.route("/stores", methods=["GET"])
@allow("admin", "staff", "marketer", "analyst", "service")
@answers(200, StoresAnswer)
@blueprint.arguments(PageQuery, location="query")
def listing(actor: Actor, page: dict[str, Any]) -> dict[str, Any]:
    """List the stores."""
    found, following = stores.stores(actor, page["cursor"] or "", page["limit"])
    return {"stores": [asdict(store) for store in found], "next": following}


@blueprint.route("/stores/<code:store_id>", methods=["GET"])
@allow("admin", "staff", "marketer", "analyst", "service")
@answers(200, StoreAnswer)
def find(actor: Actor, store_id: str) -> dict[str, Any]:
    """Show a store."""
    return asdict(stores.store(actor, store_id))


@blueprint.route("/stores/<code:store_id>", methods=["PUT"])
@allow("admin")
@answers(200, StoreAnswer)
@blueprint.arguments(StoreSchema)
def put(actor: Actor, body: dict[str, Any], store_id: str) -> dict[str, Any]:
    """Add a store, or change what is said of it."""
    return asdict(stores.put_store(actor, Store(store_id, **body)))


@blueprint.route("/stores/<code:store_id>/terminals", methods=["GET"])
@allow("admin", "staff", "service")
@answers(200, TerminalsAnswer)
def terminals(actor: Actor, store_id: str) -> dict[str, Any]:
    """List the terminals of a store."""
    return {"store_id": store_id, "terminals": stores.terminals(actor, store_id)}


@blueprint.route("/stores/<code:store_id>/terminals/<code:terminal_id>", methods=["PUT"])
@allow("admin")
@answers(200, TerminalsAnswer)
def put_terminal(actor: Actor, store_id: str, terminal_id: str) -> dict[str, Any]:
    """Add a terminal to a store."""
    stores.put_terminal(actor, store_id, terminal_id)
    return {"store_id": store_id, "terminals": stores.terminals(actor, store_id)}


@blueprint.route("/store-groups", methods=["GET"])
@allow("admin", "staff", "marketer", "analyst")
@answers(200, StoreGroupsAnswer)
def groups(actor: Actor) -> dict[str, Any]:
    """List the groups that rules may name."""
    return {"store_groups": [{"group_id": group, "stores": held} for group, held in stores.groups().items()]}


@blueprint.route("/store-groups/<code:group_id>", methods=["PUT"])
@allow("marketer", "admin")
@answers(200, StoreGroupAnswer)
@takes_up_to(MAX_BATCH)
@blueprint.arguments(StoreGroupSchema)
def put_group(actor: Actor, body: dict[str, Any], group_id: str) -> dict[str, Any]:
    """Let a group hold exactly these stores."""
    stores.put_group(actor, group_id, body["stores"])
    return {"group_id": group_id, "stores": sorted(set(body["stores"]))}
