"""Occasions, messages, webhooks, and the members' own door: their tables, and the indexes that find a day's members."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from loyalty_engine.store.types import Instant, uuid_text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BY_MEMBER = (("cards", "member_id"), ("phones", "member_id"), ("external_ids", "member_id"), ("audit_log", "target"))


def _changing(table: str) -> Any:
    """Change a table; SQLite makes it anew, in the same way as it was."""
    if op.get_context().dialect.name != "sqlite":
        return op.batch_alter_table(table)
    return op.batch_alter_table(table, recreate="always")


def upgrade() -> None:
    op.create_table('deployment_secrets',
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('value', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_deployment_secrets')),
    sqlite_with_rowid=True
    )
    op.create_table('door_counts',
    sa.Column('scope_key', sa.String(length=64), nullable=False),
    sa.Column('used', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('expires_at', Instant(), nullable=False),
    sa.CheckConstraint('used >= 0', name=op.f('ck_door_counts_used')),
    sa.PrimaryKeyConstraint('scope_key', name=op.f('pk_door_counts')),
    sqlite_with_rowid=True
    )
    with op.batch_alter_table('door_counts', schema=None) as batch_op:
        batch_op.create_index(op.f('ix_door_counts_expires_at'), ['expires_at'], unique=False)

    op.create_table('message_pauses',
    sa.Column('what', sa.String(length=64), nullable=False),
    sa.Column('paused_at', Instant(), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('what', name=op.f('pk_message_pauses')),
    sqlite_with_rowid=True
    )
    op.create_table('messages',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('message_id', uuid_text(), nullable=False),
    sa.Column('template', sa.String(length=64), nullable=False),
    sa.Column('purpose', sa.String(length=16), nullable=False),
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('language', sa.String(length=16), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=64), nullable=True),
    sa.Column('cause_kind', sa.String(length=16), nullable=False),
    sa.Column('cause_id', sa.String(length=200), nullable=False),
    sa.Column('places', sa.Text(), nullable=False),
    sa.Column('to_address', sa.Text(), nullable=True),
    sa.Column('send_at', Instant(), nullable=False),
    sa.Column('send_by', Instant(), nullable=True),
    sa.Column('planned_at', Instant(), nullable=False),
    sa.Column('changed_at', Instant(), nullable=False),
    sa.Column('merged_into', uuid_text(), nullable=True),
    sa.Column('attempts', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('lease_owner', sa.String(length=64), nullable=True),
    sa.Column('lease_until', Instant(), nullable=True),
    sa.Column('provider', sa.String(length=16), nullable=True),
    sa.Column('provider_id', sa.String(length=64), nullable=True),
    sa.Column('provider_error', sa.String(length=32), nullable=True),
    sa.Column('segments', sa.Integer(), nullable=True),
    sa.Column('sent_digest', sa.String(length=64), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("status IN ('planned', 'held', 'suppressed', 'expired', 'cancelled', 'sending', 'accepted', 'sent', 'delivered', 'undelivered', 'failed', 'unknown')", name=op.f('ck_messages_status')),
    sa.PrimaryKeyConstraint('member_id', 'message_id', name=op.f('pk_messages')),
    sa.UniqueConstraint('member_id', 'cause_kind', 'cause_id', 'channel', name=op.f('uq_messages_member_id_cause_kind_cause_id_channel')),
    sqlite_with_rowid=True
    )
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.create_index('ix_messages_due', ['channel', 'send_at', 'message_id'], unique=False, postgresql_where=sa.text("status = 'planned' AND purpose <> 'code'"), sqlite_where=sa.text("status = 'planned' AND purpose <> 'code'"))
        batch_op.create_index('ix_messages_open', ['changed_at'], unique=False, postgresql_where=sa.text("status IN ('sending', 'unknown')"), sqlite_where=sa.text("status IN ('sending', 'unknown')"))
        batch_op.create_index(op.f('ix_messages_message_id'), ['message_id'], unique=False)
        batch_op.create_index('ix_messages_addressed', ['changed_at'], unique=False, postgresql_where=sa.text('to_address IS NOT NULL'), sqlite_where=sa.text('to_address IS NOT NULL'))
        batch_op.create_index(op.f('ix_messages_status_changed_at'), ['status', 'changed_at'], unique=False)
        batch_op.create_index('ix_messages_urgent', ['channel', 'send_at', 'message_id'], unique=False, postgresql_where=sa.text("status = 'planned' AND purpose = 'code'"), sqlite_where=sa.text("status = 'planned' AND purpose = 'code'"))

    op.create_table('phone_codes',
    sa.Column('phone', sa.String(length=20), nullable=False),
    sa.Column('code_hash', sa.String(length=64), nullable=False),
    sa.Column('tries_left', sa.Integer(), nullable=False),
    sa.Column('made_at', Instant(), nullable=False),
    sa.Column('expires_at', Instant(), nullable=False),
    sa.Column('proved_at', Instant(), nullable=True),
    sa.CheckConstraint('tries_left >= 0', name=op.f('ck_phone_codes_tries_left')),
    sa.PrimaryKeyConstraint('phone', name=op.f('pk_phone_codes')),
    sqlite_with_rowid=True
    )
    with op.batch_alter_table('phone_codes', schema=None) as batch_op:
        batch_op.create_index(op.f('ix_phone_codes_expires_at'), ['expires_at'], unique=False)

    op.create_table('phone_gifts',
    sa.Column('phone_digest', sa.String(length=64), nullable=False),
    sa.Column('occasion_id', sa.String(length=64), nullable=False),
    sa.Column('occurrence', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('granted_on', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('phone_digest', 'occasion_id', 'occurrence', name=op.f('pk_phone_gifts')),
    sqlite_with_rowid=False
    )
    op.create_table('member_dates',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('month', sa.Integer(), nullable=False),
    sa.Column('day', sa.Integer(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=True),
    sa.Column('calendar', sa.String(length=8), nullable=False),
    sa.Column('leap_month', sa.Boolean(), nullable=False),
    sa.Column('set_on', sa.Date(), nullable=False),
    sa.CheckConstraint("calendar IN ('solar', 'lunar')", name=op.f('ck_member_dates_calendar')),
    sa.ForeignKeyConstraint(['member_id'], ['members.member_id'], name=op.f('fk_member_dates_member_id')),
    sa.PrimaryKeyConstraint('member_id', 'name', name=op.f('pk_member_dates')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('member_dates', schema=None) as batch_op:
        batch_op.create_index(op.f('ix_member_dates_name_month_day'), ['name', 'month', 'day'], unique=False)

    op.create_table('occasions_granted',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('occasion_id', sa.String(length=64), nullable=False),
    sa.Column('occurrence', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.Column('through', sa.Date(), nullable=False),
    sa.Column('granted_at', Instant(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['member_id'], ['members.member_id'], name=op.f('fk_occasions_granted_member_id')),
    sa.PrimaryKeyConstraint('member_id', 'occasion_id', 'occurrence', name=op.f('pk_occasions_granted')),
    sqlite_with_rowid=True
    )
    with op.batch_alter_table('occasions_granted', schema=None) as batch_op:
        batch_op.create_index(op.f('ix_occasions_granted_on_day'), ['on_day'], unique=False)

    op.create_table('webhook_cursors',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('target', sa.String(length=64), nullable=False),
    sa.Column('delivered', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('next_at', Instant(), nullable=True),
    sa.Column('attempts', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('lease_owner', sa.String(length=64), nullable=True),
    sa.Column('lease_until', Instant(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['member_id'], ['members.member_id'], name=op.f('fk_webhook_cursors_member_id')),
    sa.PrimaryKeyConstraint('member_id', 'target', name=op.f('pk_webhook_cursors')),
    sqlite_with_rowid=True
    )
    with op.batch_alter_table('webhook_cursors', schema=None) as batch_op:
        batch_op.create_index('ix_webhook_cursors_due', ['target', 'next_at'], unique=False, postgresql_where=sa.text('next_at IS NOT NULL'), sqlite_where=sa.text('next_at IS NOT NULL'))

    op.create_table('webhook_events',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('event_no', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.Column('at', Instant(), nullable=False),
    sa.ForeignKeyConstraint(['member_id'], ['members.member_id'], name=op.f('fk_webhook_events_member_id')),
    sa.PrimaryKeyConstraint('member_id', 'event_no', name=op.f('pk_webhook_events')),
    sqlite_with_rowid=True
    )
    with op.batch_alter_table('webhook_events', schema=None) as batch_op:
        batch_op.create_index(op.f('ix_webhook_events_at'), ['at'], unique=False)

    with _changing('members') as batch_op:
        batch_op.add_column(sa.Column('last_event', sa.BigInteger(), server_default='0', nullable=False))
        batch_op.create_index(op.f('ix_members_joined_on'), ['joined_on'], unique=False)

    with op.batch_alter_table('tier_history', schema=None) as batch_op:
        batch_op.create_index('ix_tier_history_changes', ['booked_at'], unique=False, postgresql_where=sa.text('change_no > 1'), sqlite_where=sa.text('change_no > 1'))

    with _changing('profiles') as batch_op:
        batch_op.add_column(sa.Column('birthday_set_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('phone_changed_at', Instant(), nullable=True))
        batch_op.create_index('ix_profiles_birthday', ['birthday_month', 'birthday_day'], unique=False, postgresql_where=sa.text('birthday_month IS NOT NULL'), sqlite_where=sa.text('birthday_month IS NOT NULL'))

    with op.batch_alter_table('tokens', schema=None) as batch_op:
        batch_op.create_index('ix_tokens_member', ['member_id'], unique=False, postgresql_where=sa.text('member_id IS NOT NULL'), sqlite_where=sa.text('member_id IS NOT NULL'))


    for table, column in _BY_MEMBER:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.create_index(op.f(f'ix_{table}_{column}'), [column], unique=False)

    with op.batch_alter_table('parked_purchases', schema=None) as batch_op:
        batch_op.create_index('ix_parked_purchases_named', ['named_member'], unique=False, postgresql_where=sa.text('named_member IS NOT NULL'), sqlite_where=sa.text('named_member IS NOT NULL'))


def downgrade() -> None:
    with op.batch_alter_table('parked_purchases', schema=None) as batch_op:
        batch_op.drop_index('ix_parked_purchases_named', postgresql_where=sa.text('named_member IS NOT NULL'), sqlite_where=sa.text('named_member IS NOT NULL'))

    for table, column in reversed(_BY_MEMBER):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_index(op.f(f'ix_{table}_{column}'))

    with op.batch_alter_table('tokens', schema=None) as batch_op:
        batch_op.drop_index('ix_tokens_member', postgresql_where=sa.text('member_id IS NOT NULL'), sqlite_where=sa.text('member_id IS NOT NULL'))

    with _changing('profiles') as batch_op:
        batch_op.drop_index('ix_profiles_birthday', postgresql_where=sa.text('birthday_month IS NOT NULL'), sqlite_where=sa.text('birthday_month IS NOT NULL'))
        batch_op.drop_column('phone_changed_at')
        batch_op.drop_column('birthday_set_on')

    with op.batch_alter_table('tier_history', schema=None) as batch_op:
        batch_op.drop_index('ix_tier_history_changes', postgresql_where=sa.text('change_no > 1'), sqlite_where=sa.text('change_no > 1'))

    with _changing('members') as batch_op:
        batch_op.drop_index(op.f('ix_members_joined_on'))
        batch_op.drop_column('last_event')

    op.drop_table('webhook_events')
    op.drop_table('webhook_cursors')
    op.drop_table('occasions_granted')
    op.drop_table('member_dates')
    op.drop_table('phone_gifts')
    op.drop_table('phone_codes')
    op.drop_table('messages')
    op.drop_table('message_pauses')
    op.drop_table('door_counts')
    op.drop_table('deployment_secrets')
