"""What marketers and operators put: programmes, tokens, stores, products."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, get_args

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from loyalty_engine.api.schemas.base import Strict
from loyalty_engine.api.schemas.fields import (
    Code,
    Day,
    Instant,
    Note,
    Phrase,
    Whole,
    Word,
    needed,
    optional,
    several,
)
from loyalty_engine.services.actors import Role
from loyalty_engine.services.imports.records import NewProduct
from loyalty_engine.services.tokens import NewToken

ROLES: Final = tuple(role for role in get_args(Role) if role != "member")
_MAX_PRODUCTS: Final = 5_000
_MAX_SKUS: Final = 500_000
_MAX_STORES: Final = 100_000


class PublishSchema(Strict):
    """A programme, from when it judges, and why it was changed."""

    programme = fields.Raw(
        required=True,
        metadata={"description": "the document: an object, or its text in YAML or JSON"},
    )
    reason = needed(Note)
    effective_at = optional(Instant, format="date-time", description="from now on, when left out")


class PublishQuery(Strict):
    """The same two, beside a body that is the document itself in YAML."""

    reason = Note(load_default=None)
    effective_at = Instant(load_default=None, metadata={"format": "date-time"})


class TokenSchema(Strict):
    """What a token is to stand for. A terminal's names its store and terminal, a service's its merchant."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    name = needed(Phrase, description="whose it is, for people")
    merchant_id = optional(Code)
    store_id = optional(Code)
    terminal_id = optional(Code)
    expires_at = optional(Instant, format="date-time")

    @post_load
    def _token(self, data: Mapping[str, Any], **_: Any) -> NewToken:
        return NewToken(**data)


class MemberTokenSchema(Strict):
    """Until when the token lasts; without an end, until it is revoked."""

    expires_at = optional(Instant, format="date-time")


class RotationSchema(Strict):
    """How long the old token works beside the new one."""

    overlap_hours = optional(Whole, 0, 720, default=24)

    @post_load
    def _overlap(self, data: Mapping[str, Any], **_: Any) -> timedelta:
        return timedelta(hours=24 if data["overlap_hours"] is None else data["overlap_hours"])


class MerchantSchema(Strict):
    """Who owns stores."""

    name = needed(Phrase)


class StoreSchema(Strict):
    """A shop of a merchant; without a time zone it goes by the programme's."""

    merchant_id = needed(Code)
    name = needed(Phrase)
    time_zone = optional(Word, example="Asia/Shanghai")
    closed_at = optional(Instant, format="date-time")


class StoreGroupSchema(Strict):
    """The stores that the group holds from now on."""

    stores = several(Code(), _MAX_STORES, required=True)


class SkuListSchema(Strict):
    """The SKUs that the list holds from now on."""

    skus = several(Word(), _MAX_SKUS, required=True)


class ProductSchema(Strict):
    """What the catalogue says of a SKU from a day on; without a day, of all time before the next entry."""

    sku = needed(Word)
    category = optional(Phrase, example="drinks/coffee")
    brand = optional(Word)
    tags = several(Word(), load_default=None, allow_none=True)
    from_ = Day(load_default=None, allow_none=True, data_key="from", metadata={"format": "date"})
    from_on = optional(Day, format="date", deprecated=True, description="`from`, as it was called before")

    @validates_schema
    def _one_day(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("from_") and data.get("from_on"):
            raise ValidationError({"from_on": ['is the old name of "from": leave it out.']})

    @post_load
    def _product(self, data: Mapping[str, Any], **_: Any) -> NewProduct:
        tags = frozenset(data["tags"] or ())
        return NewProduct(data["sku"], data["category"], data["brand"], tags, data["from_"] or data["from_on"])


class ProductsSchema(Strict):
    """Entries of the catalogue; each has its own result."""

    products = several(fields.Nested(ProductSchema), _MAX_PRODUCTS, 1, required=True)


class ProductsEnvelopeSchema(Strict):
    """The same entries, which nobody has looked at."""

    products = several(fields.Raw(), _MAX_PRODUCTS, 1, required=True)
