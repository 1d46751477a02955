"""What members do, and the sums that follow: purchases, returns, redemptions, vouchers, events."""

import sqlalchemy as sa

from loyalty_engine.store.tables.columns import CODE, KEY, col, figure, index_where, member_key, table
from loyalty_engine.store.types import Instant, uuid_text

purchases = table(
    "purchases",
    "member_id",
    member_key(),
    sa.Column("posting_id", uuid_text(), primary_key=True),
    col("purchase_key", KEY),
    col("status", sa.String(16)),
    col("occurred_at", Instant),
    col("booked_at", Instant),
    col("business_day", sa.Date),
    col("till_day", sa.Date),
    col("currency", sa.String(3)),
    col("total_minor", sa.BigInteger),
    col("facts", sa.Text),
    col("version", sa.Integer),
    col("decisions", sa.Text),
    col("granted", sa.Text),
    col("cap_use", sa.Text),
    col("kept", sa.Text, null=True),
    col("left_units", sa.Text, null=True),
    col("answer", sa.Text, null=True),
    sa.CheckConstraint("status IN ('posted', 'moved')", name="status"),
    sa.Index(None, "till_day", "purchase_key"),
)

purchase_returns = table(
    "purchase_returns",
    "member_id",
    member_key(),
    sa.Column("posting_id", uuid_text(), primary_key=True),
    sa.Column("return_reference", CODE, primary_key=True),
    col("return_id", uuid_text()),
    col("fingerprint", sa.String(64)),
    col("units", sa.Text),
    col("occurred_at", Instant),
    col("booked_at", Instant),
    col("answer", sa.Text),
    sa.ForeignKeyConstraint(["member_id", "posting_id"], ["purchases.member_id", "purchases.posting_id"]),
)

qualifying_days = table(
    "qualifying_days",
    "member_id",
    member_key(),
    sa.Column("metric", sa.String(80), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    figure("amount"),
    clustered=True,
)

cap_uses = table(
    "cap_uses",
    "member_id",
    member_key(),
    sa.Column("cap_id", CODE, primary_key=True),
    sa.Column("period_start", sa.Date, primary_key=True),
    figure("used"),
    sa.CheckConstraint("used >= 0", name="used"),
    clustered=True,
)

redemptions = table(
    "redemptions",
    "member_id",
    member_key(),
    sa.Column("redemption_id", uuid_text(), primary_key=True),
    col("status", sa.String(16)),
    col("wallet", CODE, null=True),
    figure("points"),
    figure("captured"),
    figure("restored"),
    col("reward", CODE, null=True),
    col("posting_id", uuid_text(), null=True),
    col("held_seq", sa.BigInteger, null=True),
    col("version", sa.Integer),
    col("store_id", CODE, null=True),
    col("proof", sa.String(8), null=True),
    col("asked_at", Instant),
    col("expires_at", Instant, null=True),
    col("ended_at", Instant, null=True),
    col("actor", sa.Text),
    sa.ForeignKeyConstraint(["member_id", "posting_id"], ["purchases.member_id", "purchases.posting_id"]),
    sa.ForeignKeyConstraint(["member_id", "held_seq"], ["ledger_entries.member_id", "ledger_entries.seq"]),
    sa.CheckConstraint("status IN ('held', 'captured', 'released', 'timed_out')", name="status"),
    sa.CheckConstraint("captured BETWEEN 0 AND points AND restored BETWEEN 0 AND captured", name="points"),
    sa.Index(None, "member_id", "posting_id"),
    index_where("ix_redemptions_held", "status = 'held'", "expires_at"),
)

vouchers = table(
    "vouchers",
    "member_id",
    member_key(),
    sa.Column("voucher_id", uuid_text(), primary_key=True),
    col("code", sa.String(20)),
    col("reward", CODE),
    col("status", sa.String(16)),
    col("source_kind", sa.String(16)),
    col("source_id", KEY),
    col("version", sa.Integer),
    col("issued_at", Instant),
    col("valid_through", sa.Date, null=True),
    col("held_until", Instant, null=True),
    col("posting_id", uuid_text(), null=True),
    col("lines", sa.Text, null=True),
    col("worth_minor", sa.BigInteger, null=True),
    col("redeemed_at", Instant, null=True),
    col("ended_at", Instant, null=True),
    col("reason", sa.Text, null=True),
    sa.ForeignKeyConstraint(["member_id", "posting_id"], ["purchases.member_id", "purchases.posting_id"]),
    sa.UniqueConstraint("member_id", "source_kind", "source_id"),
    sa.CheckConstraint("status IN ('issued', 'held', 'redeemed', 'expired', 'cancelled')", name="status"),
    sa.Index(None, "member_id", "posting_id"),
    index_where("ix_vouchers_ending", "status IN ('issued', 'held')", "valid_through"),
)

limit_uses = table(
    "limit_uses",
    "member_id",
    member_key(),
    sa.Column("limit_id", KEY, primary_key=True),
    sa.Column("period_start", sa.Date, primary_key=True),
    figure("used"),
    sa.CheckConstraint("used >= 0", name="used"),
    clustered=True,
)

member_events = table(
    "member_events",
    "member_id",
    member_key(),
    sa.Column("event_id", CODE, primary_key=True),
    col("event", CODE),
    col("fingerprint", sa.String(64)),
    col("occurred_at", Instant),
    col("booked_at", Instant),
    col("facts", sa.Text),
    col("awaits", sa.Text, null=True),
    col("answer", sa.Text),
)

event_onces = table(
    "event_onces",
    "member_id",
    member_key(),
    sa.Column("rule_id", CODE, primary_key=True),
    sa.Column("once_key", KEY, primary_key=True),
    col("event_id", CODE),
    sa.ForeignKeyConstraint(["member_id", "event_id"], ["member_events.member_id", "member_events.event_id"]),
    clustered=True,
)
