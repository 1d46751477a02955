"""What is stored: every table, with how it would be spread over many machines; no behaviour.

Source: ARCHITECTURE.md, What is stored; DISTRIBUTED.md for `info["distribution"]`. Columns that hold JSON are text: a
replay must give the same bytes, and the hot paths read and write them whole.
"""

from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.types import Instant, uuid_text

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

MAX_POINTS_AN_ENTRY = 10**9
_KEY = sa.String(200)
_CODE = sa.String(64)


def _table(name: str, distribution: str, *parts: sa.schema.SchemaItem, clustered: bool = False) -> sa.Table:
    """Declare a table; `clustered` ones are stored by their key on SQLite, which suits narrow rows."""
    return sa.Table(name, metadata, *parts, info={"distribution": distribution}, sqlite_with_rowid=not clustered)


def _col(name: str, kind: Any, *parts: Any, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, *parts, nullable=null, server_default=default)


def _member(**options: Any) -> sa.Column[Any]:
    return sa.Column("member_id", uuid_text(), sa.ForeignKey("members.member_id"), primary_key=True, **options)


def _index_where(name: str, where: str, *columns: str) -> sa.Index:
    """Index only the rows that a nightly run looks for."""
    return sa.Index(name, *columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _figure(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


# ---------------------------------------------------------------------------------------------- reference tables

merchants = _table(
    "merchants",
    "reference",
    sa.Column("merchant_id", _CODE, primary_key=True),
    _col("name", sa.Text),
)

stores = _table(
    "stores",
    "reference",
    sa.Column("store_id", _CODE, primary_key=True),
    _col("merchant_id", _CODE, sa.ForeignKey("merchants.merchant_id")),
    _col("name", sa.Text),
    _col("time_zone", sa.String(64), null=True),
    _col("closed_at", Instant, null=True),
)

store_groups = _table(
    "store_groups",
    "reference",
    sa.Column("group_id", _CODE, primary_key=True),
    sa.Column("store_id", _CODE, sa.ForeignKey("stores.store_id"), primary_key=True),
)

terminals = _table(
    "terminals",
    "reference",
    sa.Column("store_id", _CODE, sa.ForeignKey("stores.store_id"), primary_key=True),
    sa.Column("terminal_id", _CODE, primary_key=True),
)

products = _table(
    "products",
    "reference",
    sa.Column("sku", _CODE, primary_key=True),
    sa.Column("from_on", sa.Date, primary_key=True),
    _col("category", sa.String(200), null=True),
    _col("brand", _CODE, null=True),
    _col("tags", sa.Text, default="[]"),
    clustered=True,
)

sku_lists = _table(
    "sku_lists",
    "reference",
    sa.Column("list_id", _CODE, primary_key=True),
    sa.Column("sku", _CODE, primary_key=True),
    clustered=True,
)

programme_versions = _table(
    "programme_versions",
    "reference",
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    _col("document", sa.Text),
    _col("effective_at", Instant, null=True),
    _col("published_at", Instant),
    _col("author", sa.Text),
    _col("reason", sa.Text),
    _col("digest", sa.String(64)),
    sa.UniqueConstraint("effective_at"),
    sa.CheckConstraint("(version = 1) = (effective_at IS NULL)", name="first_reaches_back"),
)

tokens = _table(
    "tokens",
    "reference",
    sa.Column("token_id", _CODE, primary_key=True),
    _col("secret_hash", sa.String(64)),
    _col("role", sa.String(16)),
    _col("name", sa.Text),
    _col("merchant_id", _CODE, sa.ForeignKey("merchants.merchant_id"), null=True),
    _col("store_id", _CODE, sa.ForeignKey("stores.store_id"), null=True),
    _col("terminal_id", _CODE, null=True),
    _col("member_id", uuid_text(), null=True),
    _col("created_at", Instant),
    _col("created_by", sa.Text),
    _col("expires_at", Instant, null=True),
    _col("revoked_at", Instant, null=True),
)

# ------------------------------------------------------------------------------------------------- local tables

audit_log = _table(
    "audit_log",
    "local",
    sa.Column("entry_id", uuid_text(), primary_key=True),
    _col("at", Instant),
    _col("actor", sa.Text),
    _col("action", _CODE),
    _col("target", sa.Text),
    _col("detail", sa.Text),
)

job_runs = _table(
    "job_runs",
    "local",
    sa.Column("job", sa.String(32), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    _col("status", sa.String(16)),
    _col("lease_owner", sa.String(64), null=True),
    _col("lease_until", Instant, null=True),
    _col("position", sa.Text, null=True),
    _col("counts", sa.Text, default="{}"),
    _col("version", sa.Integer, null=True),
    _col("started_at", Instant),
    _col("finished_at", Instant, null=True),
    sa.CheckConstraint("status IN ('running', 'done')", name="status"),
)

import_files = _table(
    "import_files",
    "local",
    sa.Column("file_hash", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    _col("rows_done", sa.BigInteger),
    _col("totals", sa.Text),
    _col("started_at", Instant),
    _col("finished_at", Instant, null=True),
)

# -------------------------------------------------------------------------------- look-ups, each by the thing itself

cards = _table(
    "cards",
    "number",
    sa.Column("number", sa.String(32), primary_key=True),
    _col("member_id", uuid_text()),
    _col("status", sa.String(16)),
    _col("issued_at", Instant),
    _col("changed_at", Instant, null=True),
    _col("replaced_by", sa.String(32), null=True),
    sa.CheckConstraint("status IN ('active', 'blocked', 'replaced')", name="status"),
    clustered=True,
)

phones = _table(
    "phones",
    "phone",
    sa.Column("phone", sa.String(20), primary_key=True),
    _col("member_id", uuid_text()),
    clustered=True,
)

external_ids = _table(
    "external_ids",
    "external_id",
    sa.Column("external_id", _CODE, primary_key=True),
    _col("member_id", uuid_text()),
    clustered=True,
)

purchase_keys = _table(
    "purchase_keys",
    "purchase_key",
    sa.Column("purchase_key", _KEY, primary_key=True),
    _col("fingerprint", sa.String(64)),
    _col("member_id", uuid_text(), null=True),
    _col("posting_id", uuid_text(), null=True),
    clustered=True,
)

receipts = _table(
    "receipts",
    "receipt_key",
    sa.Column("receipt_key", sa.String(300), primary_key=True),
    _col("purchase_key", _KEY),
    clustered=True,
)

purchase_aliases = _table(
    "purchase_aliases",
    "purchase_key",
    sa.Column("purchase_key", _KEY, primary_key=True),
    _col("first_key", _KEY),
    clustered=True,
)

idempotency_keys = _table(
    "idempotency_keys",
    "scope_key",
    sa.Column("scope_key", sa.String(64), primary_key=True),
    _col("body_hash", sa.String(64)),
    _col("status", sa.Integer),
    _col("body", sa.Text),
    _col("created_at", Instant),
    sa.Index(None, "created_at"),
)

parked_purchases = _table(
    "parked_purchases",
    "purchase_key",
    sa.Column("purchase_key", _KEY, primary_key=True),
    _col("store_id", _CODE),
    _col("status", sa.String(16)),
    _col("reason", _CODE, null=True),
    _col("named_member", sa.Text, null=True),
    _col("occurred_at", Instant),
    _col("received_at", Instant),
    _col("facts", sa.Text),
    _col("claim_code", sa.String(20), null=True),
    _col("answer", sa.Text),
    sa.CheckConstraint("status IN ('unclaimed', 'unresolved', 'posted', 'returned')", name="status"),
    sa.Index(None, "status", "received_at"),
)

claim_codes = _table(
    "claim_codes",
    "claim_code",
    sa.Column("claim_code", sa.String(20), primary_key=True),
    _col("purchase_key", _KEY),
    clustered=True,
)

waiting_returns = _table(
    "waiting_returns",
    "purchase_key",
    sa.Column("purchase_key", _KEY, primary_key=True),
    sa.Column("return_reference", _CODE, primary_key=True),
    _col("request", sa.Text),
    _col("received_at", Instant),
    _col("expires_at", Instant),
)

redemption_keys = _table(
    "redemption_keys",
    "redemption_id",
    sa.Column("redemption_id", uuid_text(), primary_key=True),
    _col("member_id", uuid_text()),
    clustered=True,
)

voucher_codes = _table(
    "voucher_codes",
    "code",
    sa.Column("code", sa.String(20), primary_key=True),
    _col("member_id", uuid_text()),
    _col("voucher_id", uuid_text()),
    clustered=True,
)

reward_stock = _table(
    "reward_stock",
    "reward_id",
    sa.Column("reward_id", _CODE, primary_key=True),
    _figure("issued"),
    sa.CheckConstraint("issued >= 0", name="issued"),
)

store_days = _table(
    "store_days",
    "store_id",
    sa.Column("store_id", _CODE, sa.ForeignKey("stores.store_id"), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    _col("purchases", sa.BigInteger),
    _col("total_minor", sa.BigInteger),
    _col("reported_at", Instant),
    _col("actor", sa.Text),
)

budgets = _table(
    "budgets",
    "cap_id",
    sa.Column("cap_id", _CODE, primary_key=True),
    sa.Column("period_start", sa.Date, primary_key=True),
    _figure("used"),
    sa.CheckConstraint("used >= 0", name="used"),
)

# ------------------------------------------------------------------------------------------- a member's own tables

members = _table(
    "members",
    "member_id",
    sa.Column("member_id", uuid_text(), primary_key=True),
    _col("status", sa.String(16)),
    _figure("last_seq"),
    _col("joined_on", sa.Date),
    _col("enrolled_at", Instant),
    _col("time_zone", sa.String(64), null=True),
    _col("language", sa.String(16)),
    _col("level", _CODE, null=True),
    _col("level_since_at", Instant, null=True),
    _col("level_review_on", sa.Date, null=True),
    _col("level_grace_until", sa.Date, null=True),
    _col("level_by", sa.String(8), default="metric"),
    _figure("tier_changes"),
    _figure("purchases_count"),
    _col("last_purchase_on", sa.Date, null=True),
    _col("last_booked_at", Instant, null=True),
    _col("merged_into", uuid_text(), null=True),
    sa.CheckConstraint("status IN ('active', 'suspended', 'erased', 'merged')", name="status"),
    sa.CheckConstraint("(status = 'merged') = (merged_into IS NOT NULL)", name="merged_into"),
    sa.CheckConstraint("level_by IN ('metric', 'manual')", name="level_by"),
    _index_where("ix_members_review", "level_review_on IS NOT NULL", "level_review_on"),
)

profiles = _table(
    "profiles",
    "member_id",
    _member(),
    _col("name", sa.Text, null=True),
    _col("phone", sa.String(20), null=True),
    _col("email", sa.Text, null=True),
    _col("birthday_month", sa.Integer, null=True),
    _col("birthday_day", sa.Integer, null=True),
    _col("birthday_year", sa.Integer, null=True),
    _col("birthday_calendar", sa.String(8), null=True),
    _col("birthday_leap_month", sa.Boolean, null=True),
    _col("birthday_locked_until", sa.Date, null=True),
    _col("segments", sa.Text, default="[]"),
    _col("attributes", sa.Text, default="{}"),
    _col("token_secret", sa.String(64), null=True),
)

consents = _table(
    "consents",
    "member_id",
    _member(),
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("purpose", sa.String(16), primary_key=True),
    _col("given", sa.Boolean),
    _col("at", Instant),
    _col("proof", sa.Text),
)

ledger_entries = _table(
    "ledger_entries",
    "member_id",
    _member(),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    _col("kind", sa.String(16)),
    _col("wallet", _CODE),
    _col("source_kind", sa.String(16)),
    _col("source_id", _KEY),
    _figure("points"),
    _figure("available"),
    _figure("pending"),
    _figure("held"),
    _figure("debt"),
    _figure("lifetime"),
    _figure("forgiven"),
    _col("version", sa.Integer),
    _col("occurred_at", Instant),
    _col("booked_at", Instant),
    _col("actor", sa.Text),
    _col("reason", sa.Text, null=True),
    sa.UniqueConstraint("member_id", "source_kind", "source_id", "wallet"),
    sa.CheckConstraint(f"points BETWEEN -{MAX_POINTS_AN_ENTRY} AND {MAX_POINTS_AN_ENTRY}", name="points"),
    sa.CheckConstraint("forgiven >= 0", name="forgiven"),
    sa.CheckConstraint("available + pending + held - debt = points + forgiven", name="adds_up"),
)

lots = _table(
    "lots",
    "member_id",
    _member(),
    sa.Column("lot_id", uuid_text(), primary_key=True),
    _col("wallet", _CODE),
    _col("source_kind", sa.String(16)),
    _col("source_id", _KEY),
    _figure("granted"),
    _figure("remaining"),
    _figure("held"),
    _col("state", sa.String(16)),
    _col("opened_seq", sa.BigInteger),
    _col("opened_on", sa.Date),
    _col("available_on", sa.Date),
    _col("expires_on", sa.Date, null=True),
    _col("level", _CODE, null=True),
    sa.ForeignKeyConstraint(["member_id", "opened_seq"], ["ledger_entries.member_id", "ledger_entries.seq"]),
    sa.CheckConstraint("remaining BETWEEN 0 AND granted", name="remaining"),
    sa.CheckConstraint("held BETWEEN 0 AND remaining", name="held"),
    sa.CheckConstraint("state IN ('pending', 'available', 'expired')", name="state"),
    sa.Index(None, "member_id", "source_id"),
    _index_where("ix_lots_pending", "state = 'pending'", "available_on"),
    _index_where("ix_lots_ending", "state = 'available' AND remaining > 0", "expires_on"),
)

lot_changes = _table(
    "lot_changes",
    "member_id",
    _member(),
    sa.Column("lot_id", uuid_text(), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    _figure("taken"),
    _figure("held"),
    _col("state", sa.String(16), null=True),
    sa.ForeignKeyConstraint(["member_id", "lot_id"], ["lots.member_id", "lots.lot_id"]),
    sa.ForeignKeyConstraint(["member_id", "seq"], ["ledger_entries.member_id", "ledger_entries.seq"]),
    sa.CheckConstraint("taken <> 0 OR held <> 0 OR state IS NOT NULL", name="something"),
    clustered=True,
)

accounts = _table(
    "accounts",
    "member_id",
    _member(),
    sa.Column("wallet", _CODE, primary_key=True),
    _figure("available"),
    _figure("pending"),
    _figure("held"),
    _figure("debt"),
    _figure("lifetime"),
    _col("active_on", sa.Date),
    _col("next_expires_on", sa.Date, null=True),
    _figure("next_expires_points"),
    sa.CheckConstraint("available >= 0 AND pending >= 0 AND held >= 0 AND debt >= 0", name="figures"),
    sa.CheckConstraint("available = 0 OR debt = 0", name="debt_is_paid_first"),
    clustered=True,
)

purchases = _table(
    "purchases",
    "member_id",
    _member(),
    sa.Column("posting_id", uuid_text(), primary_key=True),
    _col("purchase_key", _KEY),
    _col("status", sa.String(16)),
    _col("occurred_at", Instant),
    _col("booked_at", Instant),
    _col("business_day", sa.Date),
    _col("till_day", sa.Date),
    _col("currency", sa.String(3)),
    _col("total_minor", sa.BigInteger),
    _col("facts", sa.Text),
    _col("version", sa.Integer),
    _col("decisions", sa.Text),
    _col("granted", sa.Text),
    _col("cap_use", sa.Text),
    _col("kept", sa.Text, null=True),
    _col("left_units", sa.Text, null=True),
    _col("answer", sa.Text, null=True),
    sa.CheckConstraint("status IN ('posted', 'moved')", name="status"),
    sa.Index(None, "till_day", "purchase_key"),
)

purchase_returns = _table(
    "purchase_returns",
    "member_id",
    _member(),
    sa.Column("posting_id", uuid_text(), primary_key=True),
    sa.Column("return_reference", _CODE, primary_key=True),
    _col("return_id", uuid_text()),
    _col("fingerprint", sa.String(64)),
    _col("units", sa.Text),
    _col("occurred_at", Instant),
    _col("booked_at", Instant),
    _col("answer", sa.Text),
    sa.ForeignKeyConstraint(["member_id", "posting_id"], ["purchases.member_id", "purchases.posting_id"]),
)

qualifying_days = _table(
    "qualifying_days",
    "member_id",
    _member(),
    sa.Column("metric", sa.String(80), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    _figure("amount"),
    clustered=True,
)

cap_uses = _table(
    "cap_uses",
    "member_id",
    _member(),
    sa.Column("cap_id", _CODE, primary_key=True),
    sa.Column("period_start", sa.Date, primary_key=True),
    _figure("used"),
    sa.CheckConstraint("used >= 0", name="used"),
    clustered=True,
)

tier_history = _table(
    "tier_history",
    "member_id",
    _member(),
    sa.Column("change_no", sa.BigInteger, primary_key=True, autoincrement=False),
    _col("level", _CODE, null=True),
    _col("since_at", Instant),
    _col("booked_at", Instant),
    _col("review_on", sa.Date, null=True),
    _col("metric", sa.BigInteger, null=True),
    _col("version", sa.Integer),
    _col("source_kind", sa.String(16)),
    _col("source_id", _KEY),
    _col("actor", sa.Text),
    _col("reason", sa.Text, null=True),
)

redemptions = _table(
    "redemptions",
    "member_id",
    _member(),
    sa.Column("redemption_id", uuid_text(), primary_key=True),
    _col("status", sa.String(16)),
    _col("wallet", _CODE, null=True),
    _figure("points"),
    _figure("captured"),
    _figure("restored"),
    _col("reward", _CODE, null=True),
    _col("posting_id", uuid_text(), null=True),
    _col("held_seq", sa.BigInteger, null=True),
    _col("version", sa.Integer),
    _col("store_id", _CODE, null=True),
    _col("proof", sa.String(8), null=True),
    _col("asked_at", Instant),
    _col("expires_at", Instant, null=True),
    _col("ended_at", Instant, null=True),
    _col("actor", sa.Text),
    sa.ForeignKeyConstraint(["member_id", "posting_id"], ["purchases.member_id", "purchases.posting_id"]),
    sa.ForeignKeyConstraint(["member_id", "held_seq"], ["ledger_entries.member_id", "ledger_entries.seq"]),
    sa.CheckConstraint("status IN ('held', 'captured', 'released', 'timed_out')", name="status"),
    sa.CheckConstraint("captured BETWEEN 0 AND points AND restored BETWEEN 0 AND captured", name="points"),
    sa.Index(None, "member_id", "posting_id"),
    _index_where("ix_redemptions_held", "status = 'held'", "expires_at"),
)

vouchers = _table(
    "vouchers",
    "member_id",
    _member(),
    sa.Column("voucher_id", uuid_text(), primary_key=True),
    _col("code", sa.String(20)),
    _col("reward", _CODE),
    _col("status", sa.String(16)),
    _col("source_kind", sa.String(16)),
    _col("source_id", _KEY),
    _col("version", sa.Integer),
    _col("issued_at", Instant),
    _col("valid_through", sa.Date, null=True),
    _col("held_until", Instant, null=True),
    _col("posting_id", uuid_text(), null=True),
    _col("lines", sa.Text, null=True),
    _col("worth_minor", sa.BigInteger, null=True),
    _col("redeemed_at", Instant, null=True),
    _col("ended_at", Instant, null=True),
    _col("reason", sa.Text, null=True),
    sa.ForeignKeyConstraint(["member_id", "posting_id"], ["purchases.member_id", "purchases.posting_id"]),
    sa.UniqueConstraint("member_id", "source_kind", "source_id"),
    sa.CheckConstraint("status IN ('issued', 'held', 'redeemed', 'expired', 'cancelled')", name="status"),
    sa.Index(None, "member_id", "posting_id"),
    _index_where("ix_vouchers_ending", "status IN ('issued', 'held')", "valid_through"),
)

limit_uses = _table(
    "limit_uses",
    "member_id",
    _member(),
    sa.Column("limit_id", _KEY, primary_key=True),
    sa.Column("period_start", sa.Date, primary_key=True),
    _figure("used"),
    sa.CheckConstraint("used >= 0", name="used"),
    clustered=True,
)

member_events = _table(
    "member_events",
    "member_id",
    _member(),
    sa.Column("event_id", _CODE, primary_key=True),
    _col("event", _CODE),
    _col("fingerprint", sa.String(64)),
    _col("occurred_at", Instant),
    _col("booked_at", Instant),
    _col("facts", sa.Text),
    _col("awaits", sa.Text, null=True),
    _col("answer", sa.Text),
)

event_onces = _table(
    "event_onces",
    "member_id",
    _member(),
    sa.Column("rule_id", _CODE, primary_key=True),
    sa.Column("once_key", _KEY, primary_key=True),
    _col("event_id", _CODE),
    sa.ForeignKeyConstraint(["member_id", "event_id"], ["member_events.member_id", "member_events.event_id"]),
    clustered=True,
)

expiry_notices = _table(
    "expiry_notices",
    "member_id",
    _member(),
    sa.Column("wallet", _CODE, primary_key=True),
    sa.Column("expires_on", sa.Date, primary_key=True),
    sa.Column("days_before", sa.Integer, primary_key=True),
    _col("points", sa.BigInteger),
    _col("status", sa.String(16)),
    _col("planned_on", sa.Date),
    _col("planned_at", Instant),
    sa.CheckConstraint("status IN ('planned', 'below', 'suppressed')", name="status"),
    clustered=True,
)

one_time_codes = _table(
    "one_time_codes",
    "member_id",
    _member(),
    sa.Column("purpose", sa.String(16), primary_key=True),
    _col("code_hash", sa.String(64)),
    _col("tries_left", sa.Integer),
    _col("made_at", Instant),
    _col("expires_at", Instant),
    sa.CheckConstraint("tries_left >= 0", name="tries_left"),
)
