"""Who the members are: their rows, all that is personal of them, what they agreed to, and what proves that they are there."""

import sqlalchemy as sa

from loyalty_engine.store.tables.columns import CODE, KEY, col, figure, index_where, member_key, table
from loyalty_engine.store.types import Instant, uuid_text

members = table(
    "members",
    "member_id",
    sa.Column("member_id", uuid_text(), primary_key=True),
    col("status", sa.String(16)),
    figure("last_seq"),
    col("joined_on", sa.Date),
    col("enrolled_at", Instant),
    col("time_zone", sa.String(64), null=True),
    col("language", sa.String(16)),
    col("level", CODE, null=True),
    col("level_since_at", Instant, null=True),
    col("level_review_on", sa.Date, null=True),
    col("level_grace_until", sa.Date, null=True),
    col("level_by", sa.String(8), default="metric"),
    figure("tier_changes"),
    figure("last_event"),
    figure("purchases_count"),
    col("last_purchase_on", sa.Date, null=True),
    col("last_booked_at", Instant, null=True),
    col("merged_into", uuid_text(), null=True),
    sa.CheckConstraint("status IN ('active', 'suspended', 'erased', 'merged')", name="status"),
    sa.CheckConstraint("(status = 'merged') = (merged_into IS NOT NULL)", name="merged_into"),
    sa.CheckConstraint("level_by IN ('metric', 'manual')", name="level_by"),
    index_where("ix_members_review", "level_review_on IS NOT NULL", "level_review_on"),
    sa.Index(None, "joined_on"),
)

profiles = table(
    "profiles",
    "member_id",
    member_key(),
    col("name", sa.Text, null=True),
    col("phone", sa.String(20), null=True),
    col("email", sa.Text, null=True),
    col("birthday_month", sa.Integer, null=True),
    col("birthday_day", sa.Integer, null=True),
    col("birthday_year", sa.Integer, null=True),
    col("birthday_calendar", sa.String(8), null=True),
    col("birthday_leap_month", sa.Boolean, null=True),
    col("birthday_locked_until", sa.Date, null=True),
    col("birthday_set_on", sa.Date, null=True),
    col("phone_changed_at", Instant, null=True),
    col("segments", sa.Text, default="[]"),
    col("attributes", sa.Text, default="{}"),
    col("token_secret", sa.String(64), null=True),
    index_where("ix_profiles_birthday", "birthday_month IS NOT NULL", "birthday_month", "birthday_day"),
)

member_dates = table(
    "member_dates",
    "member_id",
    member_key(),
    sa.Column("name", CODE, primary_key=True),
    col("month", sa.Integer),
    col("day", sa.Integer),
    col("year", sa.Integer, null=True),
    col("calendar", sa.String(8)),
    col("leap_month", sa.Boolean),
    col("set_on", sa.Date),
    sa.CheckConstraint("calendar IN ('solar', 'lunar')", name="calendar"),
    sa.Index(None, "name", "month", "day"),
    clustered=True,
)

consents = table(
    "consents",
    "member_id",
    member_key(),
    sa.Column("channel", sa.String(16), primary_key=True),
    sa.Column("purpose", sa.String(16), primary_key=True),
    col("given", sa.Boolean),
    col("at", Instant),
    col("proof", sa.Text),
)

tier_history = table(
    "tier_history",
    "member_id",
    member_key(),
    sa.Column("change_no", sa.BigInteger, primary_key=True, autoincrement=False),
    col("level", CODE, null=True),
    col("since_at", Instant),
    col("booked_at", Instant),
    col("review_on", sa.Date, null=True),
    col("metric", sa.BigInteger, null=True),
    col("version", sa.Integer),
    col("source_kind", sa.String(16)),
    col("source_id", KEY),
    col("actor", sa.Text),
    col("reason", sa.Text, null=True),
    index_where("ix_tier_history_changes", "change_no > 1", "booked_at"),
)

one_time_codes = table(
    "one_time_codes",
    "member_id",
    member_key(),
    sa.Column("purpose", sa.String(16), primary_key=True),
    col("code_hash", sa.String(64)),
    col("tries_left", sa.Integer),
    col("made_at", Instant),
    col("expires_at", Instant),
    sa.CheckConstraint("tries_left >= 0", name="tries_left"),
)
