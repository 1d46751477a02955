"""What members are given and told on their days: occasions, messages on their way out, and what webhooks are told."""

import sqlalchemy as sa

from loyalty_engine.store.tables.columns import CODE, KEY, col, figure, index_where, member_key, table
from loyalty_engine.store.types import Instant, uuid_text

occasions_granted = table(
    "occasions_granted",
    "member_id",
    member_key(),
    sa.Column("occasion_id", CODE, primary_key=True),
    sa.Column("occurrence", sa.BigInteger, primary_key=True, autoincrement=False),
    col("on_day", sa.Date),
    col("through", sa.Date),
    col("granted_at", Instant),
    col("version", sa.Integer),
    sa.Index(None, "on_day"),
)

# A code may be sent to a phone that nobody has: no key leads to `members`.
messages = table(
    "messages",
    "member_id",
    sa.Column("member_id", uuid_text(), primary_key=True),
    sa.Column("message_id", uuid_text(), primary_key=True),
    col("template", CODE),
    col("purpose", sa.String(16)),
    col("channel", sa.String(16)),
    col("language", sa.String(16)),
    col("status", sa.String(16)),
    col("reason", CODE, null=True),
    col("cause_kind", sa.String(16)),
    col("cause_id", KEY),
    col("places", sa.Text),
    col("to_address", sa.Text, null=True),
    col("send_at", Instant),
    col("send_by", Instant, null=True),
    col("planned_at", Instant),
    col("changed_at", Instant),
    col("merged_into", uuid_text(), null=True),
    figure("attempts"),
    col("lease_owner", sa.String(64), null=True),
    col("lease_until", Instant, null=True),
    col("provider", sa.String(16), null=True),
    col("provider_id", sa.String(64), null=True),
    col("provider_error", sa.String(32), null=True),
    col("segments", sa.Integer, null=True),
    col("sent_digest", sa.String(64), null=True),
    col("version", sa.Integer),
    sa.UniqueConstraint("member_id", "cause_kind", "cause_id", "channel"),
    sa.CheckConstraint(
        "status IN ('planned', 'held', 'suppressed', 'expired', 'cancelled', 'sending', 'accepted', 'sent', 'delivered',"
        " 'undelivered', 'failed', 'unknown')",
        name="status",
    ),
    index_where("ix_messages_due", "status = 'planned' AND purpose <> 'code'", "channel", "send_at", "message_id"),
    index_where("ix_messages_urgent", "status = 'planned' AND purpose = 'code'", "channel", "send_at", "message_id"),
    index_where("ix_messages_open", "status IN ('sending', 'unknown')", "changed_at"),
    sa.Index(None, "status", "changed_at"),
    sa.Index(None, "message_id"),
    index_where("ix_messages_addressed", "to_address IS NOT NULL", "changed_at"),
)

webhook_events = table(
    "webhook_events",
    "member_id",
    member_key(),
    sa.Column("event_no", sa.BigInteger, primary_key=True, autoincrement=False),
    col("kind", sa.String(16)),
    col("payload", sa.Text),
    col("at", Instant),
    sa.Index(None, "at"),
)

webhook_cursors = table(
    "webhook_cursors",
    "member_id",
    member_key(),
    sa.Column("target", CODE, primary_key=True),
    figure("delivered"),
    col("next_at", Instant, null=True),
    figure("attempts"),
    col("lease_owner", sa.String(64), null=True),
    col("lease_until", Instant, null=True),
    col("error", sa.Text, null=True),
    index_where("ix_webhook_cursors_due", "next_at IS NOT NULL", "target", "next_at"),
)
