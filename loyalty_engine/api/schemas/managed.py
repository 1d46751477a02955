"""What marketers and operators are told: shown by the OpenAPI document."""

from marshmallow import Schema, fields

String, Integer = fields.String, fields.Integer


class CheckProblemAnswer(Schema):
    """One thing that is wrong with a document."""

    path = String(metadata={"example": "accrual[2].when.all[0].time.from"})
    message = String()
    remedy = String()


class CheckAnswer(Schema):
    """Everything that keeps a document from being published; nothing, for one that can be."""

    valid = fields.Boolean()
    problems = fields.List(fields.Nested(CheckProblemAnswer))


class VersionAnswer(Schema):
    """A published version."""

    version = Integer()
    effective_at = fields.DateTime(allow_none=True)
    published_at = fields.DateTime()
    author = String()
    reason = String()


class VersionsAnswer(Schema):
    """Every published version, the first one first."""

    versions = fields.List(fields.Nested(VersionAnswer))


class DocumentAnswer(VersionAnswer):
    """A published version with its document."""

    document = fields.Dict()


class TokenAnswer(Schema):
    """A token, without its secret."""

    token_id = String()
    role = String()
    name = String()
    merchant_id = String(allow_none=True)
    store_id = String(allow_none=True)
    terminal_id = String(allow_none=True)
    member_id = fields.UUID(allow_none=True)
    created_at = fields.DateTime()
    created_by = String()
    expires_at = fields.DateTime(allow_none=True)
    revoked_at = fields.DateTime(allow_none=True)


class IssuedAnswer(TokenAnswer):
    """A new token with its text, which is shown this once."""

    token = String()


class TokensAnswer(Schema):
    """A page of tokens."""

    tokens = fields.List(fields.Nested(TokenAnswer))
    next = String(allow_none=True)


class MerchantAnswer(Schema):
    """Who owns stores."""

    merchant_id = String()
    name = String()


class MerchantsAnswer(Schema):
    """The merchants that the asker may see."""

    merchants = fields.List(fields.Nested(MerchantAnswer))


class StoreAnswer(Schema):
    """A shop."""

    store_id = String()
    merchant_id = String()
    name = String()
    time_zone = String(allow_none=True)
    closed_at = fields.DateTime(allow_none=True)


class StoresAnswer(Schema):
    """A page of stores."""

    stores = fields.List(fields.Nested(StoreAnswer))
    next = String(allow_none=True)


class TerminalsAnswer(Schema):
    """The terminals of a store."""

    store_id = String()
    terminals = fields.List(String())


class StoreGroupAnswer(Schema):
    """A group and its stores."""

    group_id = String()
    stores = fields.List(String())


class StoreGroupsAnswer(Schema):
    """Every group."""

    store_groups = fields.List(fields.Nested(StoreGroupAnswer))


class SkuListAnswer(Schema):
    """A list and how many SKUs it has."""

    list_id = String()
    skus = Integer()


class SkuListsAnswer(Schema):
    """Every list."""

    sku_lists = fields.List(fields.Nested(SkuListAnswer))


class ProductResultAnswer(Schema):
    """What became of one entry."""

    status = String(metadata={"enum": ["posted", "replayed", "refused"]})
    code = String(allow_none=True)
    detail = String(allow_none=True)
    errors = fields.Dict(keys=String(), values=fields.List(String()))


class ProductsAnswer(Schema):
    """One result for each entry, in the order in which they were sent."""

    results = fields.List(fields.Nested(ProductResultAnswer))


class AuditEntryAnswer(Schema):
    """Who did what to what."""

    entry_id = fields.UUID()
    at = fields.DateTime()
    actor = String()
    action = String()
    target = String()
    detail = fields.Dict()


class AuditLogAnswer(Schema):
    """A page of the log, newest first."""

    entries = fields.List(fields.Nested(AuditEntryAnswer))
    next = String(allow_none=True)
