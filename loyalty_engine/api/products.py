"""What the shop says of its goods: the catalogue that fills in what tills leave out, and lists for long rules."""

from typing import Any

from loyalty_engine.api.auth import allow
from loyalty_engine.api.bodies import MAX_BATCH, takes_up_to
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.schemas.managed import ProductsAnswer, SkuListAnswer, SkuListsAnswer
from loyalty_engine.api.schemas.management import ProductsSchema, SkuListSchema
from loyalty_engine.services import products, sku_lists
from loyalty_engine.services.actors import Actor

blueprint = Blueprint("products", __name__, url_prefix="/v1", description="What is sold.")


@blueprint.route("/products", methods=["PUT"])
@allow("marketer", "admin")
@answers(200, ProductsAnswer)
@takes_up_to(MAX_BATCH)
@blueprint.arguments(ProductsSchema)
def put(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Put entries of the catalogue; a bad one doesn't stop the others."""
    done = products.put_many(actor, body["products"])
    return {"results": [{"status": one.status, "code": one.code, "detail": one.detail} for one in done]}


@blueprint.route("/sku-lists", methods=["GET"])
@allow("marketer", "analyst", "admin")
@answers(200, SkuListsAnswer)
def lists(actor: Actor) -> dict[str, Any]:
    """List the lists that rules may name."""
    return {"sku_lists": [{"list_id": name, "skus": size} for name, size in sku_lists.sizes().items()]}


@blueprint.route("/sku-lists/<code:list_id>", methods=["PUT"])
@allow("marketer", "admin")
@answers(200, SkuListAnswer)
@takes_up_to(MAX_BATCH)
@blueprint.arguments(SkuListSchema)
def put_list(actor: Actor, body: dict[str, Any], list_id: str) -> dict[str, Any]:
    """Let a list hold exactly these SKUs."""
    return {"list_id": list_id, "skus": sku_lists.put(actor, list_id, body["skus"])}
