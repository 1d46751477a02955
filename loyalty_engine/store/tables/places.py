"""Shops and what they sell, programmes, tokens, and the books of the house: small tables that every node has, or only the first."""

import sqlalchemy as sa

from loyalty_engine.store.tables.columns import CODE, col, index_where, table
from loyalty_engine.store.types import Instant, uuid_text

merchants = table(
    "merchants",
    "reference",
    sa.Column("merchant_id", CODE, primary_key=True),
    col("name", sa.Text),
)

stores = table(
    "stores",
    "reference",
    sa.Column("store_id", CODE, primary_key=True),
    col("merchant_id", CODE, sa.ForeignKey("merchants.merchant_id")),
    col("name", sa.Text),
    col("time_zone", sa.String(64), null=True),
    col("closed_at", Instant, null=True),
)

store_groups = table(
    "store_groups",
    "reference",
    sa.Column("group_id", CODE, primary_key=True),
    sa.Column("store_id", CODE, sa.ForeignKey("stores.store_id"), primary_key=True),
)

terminals = table(
    "terminals",
    "reference",
    sa.Column("store_id", CODE, sa.ForeignKey("stores.store_id"), primary_key=True),
    sa.Column("terminal_id", CODE, primary_key=True),
)

products = table(
    "products",
    "reference",
    sa.Column("sku", CODE, primary_key=True),
    sa.Column("from_on", sa.Date, primary_key=True),
    col("category", sa.String(200), null=True),
    col("brand", CODE, null=True),
    col("tags", sa.Text, default="[]"),
    clustered=True,
)

sku_lists = table(
    "sku_lists",
    "reference",
    sa.Column("list_id", CODE, primary_key=True),
    sa.Column("sku", CODE, primary_key=True),
    clustered=True,
)

programme_versions = table(
    "programme_versions",
    "reference",
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    col("document", sa.Text),
    col("effective_at", Instant, null=True),
    col("published_at", Instant),
    col("author", sa.Text),
    col("reason", sa.Text),
    col("digest", sa.String(64)),
    sa.UniqueConstraint("effective_at"),
    sa.CheckConstraint("(version = 1) = (effective_at IS NULL)", name="first_reaches_back"),
)

tokens = table(
    "tokens",
    "reference",
    sa.Column("token_id", CODE, primary_key=True),
    col("secret_hash", sa.String(64)),
    col("role", sa.String(16)),
    col("name", sa.Text),
    col("merchant_id", CODE, sa.ForeignKey("merchants.merchant_id"), null=True),
    col("store_id", CODE, sa.ForeignKey("stores.store_id"), null=True),
    col("terminal_id", CODE, null=True),
    col("member_id", uuid_text(), null=True),
    col("created_at", Instant),
    col("created_by", sa.Text),
    col("expires_at", Instant, null=True),
    col("revoked_at", Instant, null=True),
    index_where("ix_tokens_member", "member_id IS NOT NULL", "member_id"),
)

deployment_secrets = table(
    "deployment_secrets",
    "reference",
    sa.Column("name", CODE, primary_key=True),
    col("value", sa.String(64)),
)

message_pauses = table(
    "message_pauses",
    "reference",
    sa.Column("what", CODE, primary_key=True),
    col("paused_at", Instant),
    col("actor", sa.Text),
    col("reason", sa.Text),
)

audit_log = table(
    "audit_log",
    "local",
    sa.Column("entry_id", uuid_text(), primary_key=True),
    col("at", Instant),
    col("actor", sa.Text),
    col("action", CODE),
    col("target", sa.Text),
    col("detail", sa.Text),
    sa.Index(None, "target"),
)

job_runs = table(
    "job_runs",
    "local",
    sa.Column("job", sa.String(32), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    col("status", sa.String(16)),
    col("lease_owner", sa.String(64), null=True),
    col("lease_until", Instant, null=True),
    col("position", sa.Text, null=True),
    col("counts", sa.Text, default="{}"),
    col("version", sa.Integer, null=True),
    col("started_at", Instant),
    col("finished_at", Instant, null=True),
    sa.CheckConstraint("status IN ('running', 'done')", name="status"),
)

import_files = table(
    "import_files",
    "local",
    sa.Column("file_hash", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    col("rows_done", sa.BigInteger),
    col("totals", sa.Text),
    col("started_at", Instant),
    col("finished_at", Instant, null=True),
)
