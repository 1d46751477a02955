"""What the shop says of its goods: the catalogue that fills in what tills leave out, and lists for long rules."""

from typing import Any

from loyalty_engine.api.auth import allow
from loyalty_engine.api.bodies import MAX_BATCH, json_body, read_json, takes_up_to
from loyalty_engine.api.described import answers, reads
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.schemas.base import load
from loyalty_engine.api.schemas.managed import ProductsAnswer, SkuListAnswer, SkuListsAnswer
from loyalty_engine.api.schemas.management import (
    ProductSchema,
    ProductsEnvelopeSchema,
    ProductsSchema,
    SkuListSchema,
)
from loyalty_engine.services import products, sku_lists
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.imports.records import NewProduct
from loyalty_engine.services.products import Put
from rules.errors import Refusal

blueprint = Blueprint("products", __name__, url_prefix="/v1", description="What is sold.")

_PRODUCT = ProductSchema()


@blueprint.route("/products", methods=["PUT"])
@allow("marketer", "admin")
@answers(200, ProductsAnswer)
@takes_up_to(MAX_BATCH)
@reads(ProductsSchema)
def put(actor: Actor) -> dict[str, Any]:
    """Put entries of the catalogue; a bad one, or one with a field that isn't known, doesn't stop the others."""
    read = [_read(entry) for entry in load(ProductsEnvelopeSchema(), read_json(json_body()))["products"]]
    done = iter(products.put_many(actor, [one for one in read if isinstance(one, NewProduct)]))
    results = [next(done) if isinstance(one, NewProduct) else Put("refused", one) for one in read]
    return {"results": [_words(one) for one in results]}


def _read(entry: object) -> NewProduct | Refusal:
    try:
        found: NewProduct = load(_PRODUCT, entry)
    except Refusal as refusal:
        return refusal
    return found


def _words(put: Put) -> dict[str, Any]:
    return {"status": put.status, "code": put.code, "detail": put.detail, "errors": put.wrong}


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
