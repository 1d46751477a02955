"""What is looked up by something else than the member: a card, a phone, a receipt, a code; each by the thing itself."""

import sqlalchemy as sa

from loyalty_engine.store.tables.columns import CODE, KEY, col, figure, index_where, table
from loyalty_engine.store.types import Instant, uuid_text

cards = table(
    "cards",
    "number",
    sa.Column("number", sa.String(32), primary_key=True),
    col("member_id", uuid_text()),
    col("status", sa.String(16)),
    col("issued_at", Instant),
    col("changed_at", Instant, null=True),
    col("replaced_by", sa.String(32), null=True),
    sa.CheckConstraint("status IN ('active', 'blocked', 'replaced')", name="status"),
    sa.Index(None, "member_id"),
    clustered=True,
)

phones = table(
    "phones",
    "phone",
    sa.Column("phone", sa.String(20), primary_key=True),
    col("member_id", uuid_text()),
    sa.Index(None, "member_id"),
    clustered=True,
)

external_ids = table(
    "external_ids",
    "external_id",
    sa.Column("external_id", CODE, primary_key=True),
    col("member_id", uuid_text()),
    sa.Index(None, "member_id"),
    clustered=True,
)

purchase_keys = table(
    "purchase_keys",
    "purchase_key",
    sa.Column("purchase_key", KEY, primary_key=True),
    col("fingerprint", sa.String(64)),
    col("member_id", uuid_text(), null=True),
    col("posting_id", uuid_text(), null=True),
    clustered=True,
)

receipts = table(
    "receipts",
    "receipt_key",
    sa.Column("receipt_key", sa.String(300), primary_key=True),
    col("purchase_key", KEY),
    clustered=True,
)

purchase_aliases = table(
    "purchase_aliases",
    "purchase_key",
    sa.Column("purchase_key", KEY, primary_key=True),
    col("first_key", KEY),
    clustered=True,
)

idempotency_keys = table(
    "idempotency_keys",
    "scope_key",
    sa.Column("scope_key", sa.String(64), primary_key=True),
    col("body_hash", sa.String(64)),
    col("status", sa.Integer),
    col("body", sa.Text),
    col("created_at", Instant),
    sa.Index(None, "created_at"),
)

parked_purchases = table(
    "parked_purchases",
    "purchase_key",
    sa.Column("purchase_key", KEY, primary_key=True),
    col("store_id", CODE),
    col("status", sa.String(16)),
    col("reason", CODE, null=True),
    col("named_member", sa.Text, null=True),
    col("occurred_at", Instant),
    col("received_at", Instant),
    col("facts", sa.Text),
    col("claim_code", sa.String(20), null=True),
    col("answer", sa.Text),
    sa.CheckConstraint("status IN ('unclaimed', 'unresolved', 'posted', 'returned')", name="status"),
    sa.Index(None, "status", "received_at"),
    index_where("ix_parked_purchases_named", "named_member IS NOT NULL", "named_member"),
)

claim_codes = table(
    "claim_codes",
    "claim_code",
    sa.Column("claim_code", sa.String(20), primary_key=True),
    col("purchase_key", KEY),
    clustered=True,
)

waiting_returns = table(
    "waiting_returns",
    "purchase_key",
    sa.Column("purchase_key", KEY, primary_key=True),
    sa.Column("return_reference", CODE, primary_key=True),
    col("request", sa.Text),
    col("received_at", Instant),
    col("expires_at", Instant),
)

redemption_keys = table(
    "redemption_keys",
    "redemption_id",
    sa.Column("redemption_id", uuid_text(), primary_key=True),
    col("member_id", uuid_text()),
    clustered=True,
)

voucher_codes = table(
    "voucher_codes",
    "code",
    sa.Column("code", sa.String(20), primary_key=True),
    col("member_id", uuid_text()),
    col("voucher_id", uuid_text()),
    clustered=True,
)

reward_stock = table(
    "reward_stock",
    "reward_id",
    sa.Column("reward_id", CODE, primary_key=True),
    figure("issued"),
    sa.CheckConstraint("issued >= 0", name="issued"),
)

store_days = table(
    "store_days",
    "store_id",
    sa.Column("store_id", CODE, sa.ForeignKey("stores.store_id"), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    col("purchases", sa.BigInteger),
    col("total_minor", sa.BigInteger),
    col("reported_at", Instant),
    col("actor", sa.Text),
)

budgets = table(
    "budgets",
    "cap_id",
    sa.Column("cap_id", CODE, primary_key=True),
    sa.Column("period_start", sa.Date, primary_key=True),
    figure("used"),
    sa.CheckConstraint("used >= 0", name="used"),
)

phone_codes = table(
    "phone_codes",
    "phone",
    sa.Column("phone", sa.String(20), primary_key=True),
    col("code_hash", sa.String(64)),
    col("tries_left", sa.Integer),
    col("made_at", Instant),
    col("expires_at", Instant),
    col("proved_at", Instant, null=True),
    sa.CheckConstraint("tries_left >= 0", name="tries_left"),
    sa.Index(None, "expires_at"),
)

door_counts = table(
    "door_counts",
    "scope_key",
    sa.Column("scope_key", sa.String(64), primary_key=True),
    figure("used"),
    col("expires_at", Instant),
    sa.CheckConstraint("used >= 0", name="used"),
    sa.Index(None, "expires_at"),
)

phone_gifts = table(
    "phone_gifts",
    "phone_digest",
    sa.Column("phone_digest", sa.String(64), primary_key=True),
    sa.Column("occasion_id", CODE, primary_key=True),
    sa.Column("occurrence", sa.BigInteger, primary_key=True, autoincrement=False),
    col("granted_on", sa.Date),
    clustered=True,
)
