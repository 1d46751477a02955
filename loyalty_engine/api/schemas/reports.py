"""Reports for the books as they are told: shown by the OpenAPI document; services write these answers by themselves."""

from marshmallow import Schema, fields

from loyalty_engine.api.schemas.statements import StatementFiguresAnswer

String, Integer = fields.String, fields.Integer


class CohortAnswer(Schema):
    """What is left of the points that were issued in one month to members of one level."""

    issued = String(metadata={"description": "month of issue", "example": "2026-03"})
    age_months = Integer()
    level = String(allow_none=True)
    points = Integer()
    breakage_percent = String(metadata={"description": "how much of it is expected to lapse"})
    breakage_points = Integer()
    owed = String(allow_none=True, metadata={"description": "null where the programme says no worth"})


class AgeAnswer(Schema):
    """What is left of all points of one age."""

    age_months = Integer()
    points = Integer()
    breakage_points = Integer()
    owed = String(allow_none=True)


class WalletLiabilityAnswer(Schema):
    """One wallet. `check` is 0, or the ledger is broken."""

    wallet = String()
    figures = fields.Nested(StatementFiguresAnswer)
    points = Integer()
    breakage_points = Integer()
    owed = String(allow_none=True)
    check = Integer()
    ages = fields.List(fields.Nested(AgeAnswer))
    cohorts = fields.List(fields.Nested(CohortAnswer))


class LiabilityAnswer(Schema):
    """What is owed in points at the end of a day."""

    as_of = fields.Date()
    currency = String()
    wallets = fields.List(fields.Nested(WalletLiabilityAnswer))


class MovementLinesAnswer(Schema):
    """Each by its sign: what was redeemed is negative."""

    issued = Integer()
    gifted = Integer()
    brought_in = Integer()
    restored = Integer()
    reinstated = Integer()
    transferred_in = Integer()
    adjusted = Integer()
    redeemed = Integer()
    expired = Integer()
    reversed = Integer()
    forgiven = Integer()
    transferred_out = Integer()


class WalletMovementAnswer(Schema):
    """One wallet: opening + lines = closing; `check` is 0, or the ledger is broken."""

    wallet = String()
    opening = fields.Nested(StatementFiguresAnswer)
    lines = fields.Nested(MovementLinesAnswer)
    closing = fields.Nested(StatementFiguresAnswer)
    check = Integer()


class MovementAnswer(Schema):
    """How outstanding points moved from one day through another."""

    from_ = fields.Date(data_key="from")
    to = fields.Date()
    wallets = fields.List(fields.Nested(WalletMovementAnswer))
