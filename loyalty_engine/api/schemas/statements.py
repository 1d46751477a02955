"""Lots and statements as they are told: shown by the OpenAPI document; services write these answers by themselves."""

from marshmallow import Schema, fields

String, Integer = fields.String, fields.Integer


class LotAnswer(Schema):
    """Points that lapse together."""

    lot_id = fields.UUID()
    wallet = String()
    granted = Integer()
    remaining = Integer()
    held = Integer()
    state = String(metadata={"enum": ["pending", "available"]})
    opened_on = fields.Date()
    available_on = fields.Date()
    expires_on = fields.Date(allow_none=True)
    level = String(allow_none=True)
    source = fields.Dict()


class LotsAnswer(Schema):
    """The open lots of every wallet at the end of a day, soonest expiry first."""

    member_id = fields.UUID()
    as_of = fields.Date()
    lots = fields.List(fields.Nested(LotAnswer))


class StatementFiguresAnswer(Schema):
    """The figures of a wallet; `balance` is available + pending + held − debt."""

    balance = Integer()
    available = Integer()
    pending = Integer()
    held = Integer()
    debt = Integer()


class StatementLineAnswer(Schema):
    """One entry; `balance` and `available` are what there is after it."""

    seq = Integer()
    on = fields.Date()
    occurred_on = fields.Date()
    kind = String()
    said = String(metadata={"description": "the kind in words"})
    about = String()
    source = fields.Dict()
    points = Integer()
    forgiven = Integer()
    balance = Integer()
    available = Integer()
    reason = String(allow_none=True)


class WalletStatementAnswer(Schema):
    """One wallet; closing = opening + what its entries gave and forgave."""

    wallet = String()
    name = String()
    opening = fields.Nested(StatementFiguresAnswer)
    entries = fields.List(fields.Nested(StatementLineAnswer))
    closing = fields.Nested(StatementFiguresAnswer)


class StatementAnswer(Schema):
    """A member's points from one day through another."""

    member_id = fields.UUID()
    from_ = fields.Date(data_key="from")
    to = fields.Date()
    wallets = fields.List(fields.Nested(WalletStatementAnswer))
