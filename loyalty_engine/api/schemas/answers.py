"""What tills and members are told: shown by the OpenAPI document; services write these answers by themselves."""

from marshmallow import Schema, fields

from loyalty_engine.api.schemas.vouchers import NewVoucherAnswer, QuotedRewardsAnswer, UsedVoucherAnswer

String, Integer = fields.String, fields.Integer


class NextExpiryAnswer(Schema):
    """The points that lapse soonest."""

    points = Integer()
    on = fields.Date()


class BalanceAnswer(Schema):
    """One wallet."""

    wallet = String()
    available = Integer()
    pending = Integer()
    held = Integer()
    debt = Integer()
    next_expiry = fields.Nested(NextExpiryAnswer, allow_none=True)


class BalancesAnswer(Schema):
    """Every wallet of the programme."""

    member_id = fields.UUID()
    as_of = fields.Date(metadata={"description": "where a past day was asked for"})
    balances = fields.List(fields.Nested(BalanceAnswer))


class PointsAnswer(Schema):
    """What one wallet got."""

    wallet = String()
    points = Integer()
    pending = Integer()


class NextLevelAnswer(Schema):
    """The level above, and what is missing for it."""

    level = String()
    missing = fields.Raw(metadata={"oneOf": [{"type": "integer"}, {"type": "string"}]})
    of = String()


class TierAnswer(Schema):
    """Where the member stands."""

    level = String(allow_none=True)
    upgraded = fields.Boolean()
    next = fields.Nested(NextLevelAnswer, allow_none=True)


class StepAnswer(Schema):
    """What one rule gave, exactly, and on which lines; or why it gave nothing."""

    rule = String()
    wallet = String()
    points = String(metadata={"example": "35/4"})
    lines = fields.List(String())
    because = String()


class NotTakenAnswer(Schema):
    """A tender in points of an accepted purchase that no points paid."""

    reference = String(allow_none=True)
    amount = String(metadata={"example": "3.00"})
    points = Integer(allow_none=True, metadata={"description": "too many for what the member has; null where unknown"})


class PurchaseAnswer(Schema):
    """What a purchase earned, and why. One that can't be booked yet has `claim_code`, `reason` and `detail` instead."""

    purchase_id = String()
    member_id = fields.UUID()
    status = String(metadata={"enum": ["posted", "unclaimed", "unresolved"]})
    points = fields.List(fields.Nested(PointsAnswer))
    balances = fields.List(fields.Nested(BalanceAnswer))
    tier = fields.Nested(TierAnswer)
    vouchers_issued = fields.List(fields.Nested(NewVoucherAnswer))
    vouchers_redeemed = fields.List(fields.Nested(UsedVoucherAnswer))
    points_not_taken = fields.List(fields.Nested(NotTakenAnswer))
    trace = fields.List(fields.Nested(StepAnswer))
    programme_version = Integer()
    claim_code = String()
    reason = String()
    detail = String()


class SpendableAnswer(Schema):
    """The most points of one wallet that could be used on the purchase."""

    wallet = String()
    points = Integer(metadata={"description": "0 where there are too few, or the purchase is too small"})
    worth = String(metadata={"example": "3.00"})
    minimum = Integer(metadata={"description": "the fewest that may be used"})
    multiple = Integer(metadata={"description": "points are used in multiples of this"})
    proof_above = Integer(allow_none=True, metadata={"description": "more points than this need one of `proof_by`"})
    proof_by = fields.List(String(metadata={"enum": ["token", "code"]}))


class QuoteAnswer(Schema):
    """What a purchase would earn, and why; with a member also what points could be used on it."""

    member_id = fields.UUID(allow_none=True)
    status = String(metadata={"enum": ["posted", "unclaimed", "unresolved"], "description": "as if it were posted now"})
    reason = String(metadata={"description": "why it would be `unresolved`"})
    detail = String()
    points = fields.List(fields.Nested(PointsAnswer))
    balances = fields.List(fields.Nested(BalanceAnswer))
    spendable = fields.List(fields.Nested(SpendableAnswer))
    rewards = fields.Nested(QuotedRewardsAnswer)
    trace = fields.List(fields.Nested(StepAnswer))
    programme_version = Integer()


class ResultAnswer(Schema):
    """What became of one purchase of a batch."""

    status = Integer(metadata={"description": "as it would be by itself: 201, 200, 202 or 4xx"})
    body = fields.Dict(metadata={"description": "the answer, or a problem"})


class BatchAnswer(Schema):
    """One result for each purchase, in the order in which they were sent."""

    results = fields.List(fields.Nested(ResultAnswer))


class LeftAnswer(Schema):
    """What is left of one line."""

    line_id = String()
    quantity = Integer()


class FoundPurchaseAnswer(PurchaseAnswer):
    """A purchase as it stands now."""

    store = String()
    occurred_at = fields.DateTime()
    booked_at = fields.DateTime()
    currency = String()
    total = String()
    kept = fields.List(fields.Nested(PointsAnswer))
    left = fields.List(fields.Nested(LeftAnswer))


class WalletWordsAnswer(Schema):
    """One wallet in words."""

    wallet = String()
    headline = String()
    gave = fields.List(String())
    gave_nothing = fields.List(String())


class ExplanationAnswer(Schema):
    """Why, in words; what gave points, less what took some, adds up to the headline's."""

    purchase_id = String()
    headline = String()
    wallets = fields.List(fields.Nested(WalletWordsAnswer))
    left_out = fields.List(String())
    left_nothing_out = fields.List(String())
    returned = fields.List(String(metadata={"description": "what stays of each wallet after goods came back"}))
    trace = fields.List(fields.Nested(StepAnswer))
    programme_version = Integer()


class ForgivenAnswer(Schema):
    """What one wallet gave back, and what of it was forgiven."""

    wallet = String()
    points = Integer()
    forgiven = Integer()


class RestoredAnswer(Schema):
    """The points of one wallet that were spent on the purchase and came back."""

    wallet = String()
    points = Integer()


class ReturnAnswer(Schema):
    """What a return took back and gave back; one that came before its purchase is `waiting`."""

    purchase_id = String()
    return_reference = String()
    status = String(metadata={"enum": ["returned", "waiting"]})
    points = fields.List(fields.Nested(ForgivenAnswer))
    restored = fields.List(fields.Nested(RestoredAnswer))
    left = fields.List(fields.Nested(LeftAnswer))
    balances = fields.List(fields.Nested(BalanceAnswer))
    vouchers_returned = fields.List(fields.Nested(NewVoucherAnswer))
    detail = String()


class ParkedPageAnswer(Schema):
    """Purchases that are on nobody's account."""

    purchases = fields.List(fields.Dict())
    next = String(allow_none=True)
