"""Spending, rewards, nightly runs: their tables, and what those that are there say beside it."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from loyalty_engine.store.types import Instant, uuid_text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_PENDING = sa.text("state = 'pending'")
_ENDING = sa.text("state = 'available' AND remaining > 0")
_REVIEWED = sa.text("level_review_on IS NOT NULL")


def upgrade() -> None:
    _make_lookups()
    _make_events_and_limits()
    _make_redemptions()
    _change_lots()
    _change_members()
    _change_purchases()


def downgrade() -> None:
    _change_purchases_back()
    _change_members_back()
    _change_lots_back()
    for table in (
        "vouchers", "store_days", "redemptions", "event_onces", "one_time_codes", "member_events", "limit_uses",
        "expiry_notices", "voucher_codes", "reward_stock", "redemption_keys", "job_runs",
    ):  # fmt: skip
        op.drop_table(table)


def _changing(table: str, clustered: bool = False) -> Any:
    """Change a table; SQLite makes it anew, in the same way as it was."""
    if op.get_context().dialect.name != "sqlite":
        return op.batch_alter_table(table)
    return op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_with_rowid": not clustered})


def _make_lookups() -> None:
    op.create_table('job_runs',
    sa.Column('job', sa.String(length=32), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('lease_owner', sa.String(length=64), nullable=True),
    sa.Column('lease_until', Instant(), nullable=True),
    sa.Column('position', sa.Text(), nullable=True),
    sa.Column('counts', sa.Text(), server_default='{}', nullable=False),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('started_at', Instant(), nullable=False),
    sa.Column('finished_at', Instant(), nullable=True),
    sa.CheckConstraint("status IN ('running', 'done')", name=op.f('ck_job_runs_status')),
    sa.PrimaryKeyConstraint('job', 'day', name=op.f('pk_job_runs')),
    info={'distribution': 'local'},
    sqlite_with_rowid=True
    )
    op.create_table('redemption_keys',
    sa.Column('redemption_id', uuid_text(), nullable=False),
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.PrimaryKeyConstraint('redemption_id', name=op.f('pk_redemption_keys')),
    info={'distribution': 'redemption_id'},
    sqlite_with_rowid=False
    )
    op.create_table('reward_stock',
    sa.Column('reward_id', sa.String(length=64), nullable=False),
    sa.Column('issued', sa.BigInteger(), server_default='0', nullable=False),
    sa.CheckConstraint('issued >= 0', name=op.f('ck_reward_stock_issued')),
    sa.PrimaryKeyConstraint('reward_id', name=op.f('pk_reward_stock')),
    info={'distribution': 'reward_id'},
    sqlite_with_rowid=True
    )
    op.create_table('voucher_codes',
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('voucher_id', uuid_text(), nullable=False),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_voucher_codes')),
    info={'distribution': 'code'},
    sqlite_with_rowid=False
    )
    op.create_table('store_days',
    sa.Column('store_id', sa.String(length=64), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('purchases', sa.BigInteger(), nullable=False),
    sa.Column('total_minor', sa.BigInteger(), nullable=False),
    sa.Column('reported_at', Instant(), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['store_id'], ['stores.store_id'], name=op.f('fk_store_days_store_id')),
    sa.PrimaryKeyConstraint('store_id', 'day', name=op.f('pk_store_days')),
    info={'distribution': 'store_id'},
    sqlite_with_rowid=True
    )


def _make_events_and_limits() -> None:
    op.create_table('expiry_notices',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('wallet', sa.String(length=64), nullable=False),
    sa.Column('expires_on', sa.Date(), nullable=False),
    sa.Column('days_before', sa.Integer(), nullable=False),
    sa.Column('points', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('planned_on', sa.Date(), nullable=False),
    sa.Column('planned_at', Instant(), nullable=False),
    sa.CheckConstraint("status IN ('planned', 'below', 'suppressed')", name=op.f('ck_expiry_notices_status')),
    sa.ForeignKeyConstraint(['member_id'], ['members.member_id'], name=op.f('fk_expiry_notices_member_id')),
    sa.PrimaryKeyConstraint('member_id', 'wallet', 'expires_on', 'days_before', name=op.f('pk_expiry_notices')),
    info={'distribution': 'member_id'},
    sqlite_with_rowid=False
    )
    op.create_table('limit_uses',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('limit_id', sa.String(length=200), nullable=False),
    sa.Column('period_start', sa.Date(), nullable=False),
    sa.Column('used', sa.BigInteger(), server_default='0', nullable=False),
    sa.CheckConstraint('used >= 0', name=op.f('ck_limit_uses_used')),
    sa.ForeignKeyConstraint(['member_id'], ['members.member_id'], name=op.f('fk_limit_uses_member_id')),
    sa.PrimaryKeyConstraint('member_id', 'limit_id', 'period_start', name=op.f('pk_limit_uses')),
    info={'distribution': 'member_id'},
    sqlite_with_rowid=False
    )
    op.create_table('member_events',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('event_id', sa.String(length=64), nullable=False),
    sa.Column('event', sa.String(length=64), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('occurred_at', Instant(), nullable=False),
    sa.Column('booked_at', Instant(), nullable=False),
    sa.Column('facts', sa.Text(), nullable=False),
    sa.Column('awaits', sa.Text(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['member_id'], ['members.member_id'], name=op.f('fk_member_events_member_id')),
    sa.PrimaryKeyConstraint('member_id', 'event_id', name=op.f('pk_member_events')),
    info={'distribution': 'member_id'},
    sqlite_with_rowid=True
    )
    op.create_table('one_time_codes',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('purpose', sa.String(length=16), nullable=False),
    sa.Column('code_hash', sa.String(length=64), nullable=False),
    sa.Column('tries_left', sa.Integer(), nullable=False),
    sa.Column('made_at', Instant(), nullable=False),
    sa.Column('expires_at', Instant(), nullable=False),
    sa.CheckConstraint('tries_left >= 0', name=op.f('ck_one_time_codes_tries_left')),
    sa.ForeignKeyConstraint(['member_id'], ['members.member_id'], name=op.f('fk_one_time_codes_member_id')),
    sa.PrimaryKeyConstraint('member_id', 'purpose', name=op.f('pk_one_time_codes')),
    info={'distribution': 'member_id'},
    sqlite_with_rowid=True
    )
    op.create_table('event_onces',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('rule_id', sa.String(length=64), nullable=False),
    sa.Column('once_key', sa.String(length=200), nullable=False),
    sa.Column('event_id', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['member_id', 'event_id'], ['member_events.member_id', 'member_events.event_id'], name=op.f('fk_event_onces_member_id_event_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.member_id'], name=op.f('fk_event_onces_member_id')),
    sa.PrimaryKeyConstraint('member_id', 'rule_id', 'once_key', name=op.f('pk_event_onces')),
    info={'distribution': 'member_id'},
    sqlite_with_rowid=False
    )


def _make_redemptions() -> None:
    op.create_table('redemptions',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('redemption_id', uuid_text(), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('wallet', sa.String(length=64), nullable=True),
    sa.Column('points', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('captured', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('restored', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('reward', sa.String(length=64), nullable=True),
    sa.Column('posting_id', uuid_text(), nullable=True),
    sa.Column('held_seq', sa.BigInteger(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('store_id', sa.String(length=64), nullable=True),
    sa.Column('proof', sa.String(length=8), nullable=True),
    sa.Column('asked_at', Instant(), nullable=False),
    sa.Column('expires_at', Instant(), nullable=True),
    sa.Column('ended_at', Instant(), nullable=True),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.CheckConstraint("status IN ('held', 'captured', 'released', 'timed_out')", name=op.f('ck_redemptions_status')),
    sa.CheckConstraint('captured BETWEEN 0 AND points AND restored BETWEEN 0 AND captured', name=op.f('ck_redemptions_points')),
    sa.ForeignKeyConstraint(['member_id', 'held_seq'], ['ledger_entries.member_id', 'ledger_entries.seq'], name=op.f('fk_redemptions_member_id_held_seq')),
    sa.ForeignKeyConstraint(['member_id', 'posting_id'], ['purchases.member_id', 'purchases.posting_id'], name=op.f('fk_redemptions_member_id_posting_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.member_id'], name=op.f('fk_redemptions_member_id')),
    sa.PrimaryKeyConstraint('member_id', 'redemption_id', name=op.f('pk_redemptions')),
    info={'distribution': 'member_id'},
    sqlite_with_rowid=True
    )
    op.create_index('ix_redemptions_held', 'redemptions', ['expires_at'], unique=False, postgresql_where=sa.text("status = 'held'"), sqlite_where=sa.text("status = 'held'"))
    op.create_index(op.f('ix_redemptions_member_id_posting_id'), 'redemptions', ['member_id', 'posting_id'], unique=False)

    op.create_table('vouchers',
    sa.Column('member_id', uuid_text(), nullable=False),
    sa.Column('voucher_id', uuid_text(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('reward', sa.String(length=64), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('source_kind', sa.String(length=16), nullable=False),
    sa.Column('source_id', sa.String(length=200), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('issued_at', Instant(), nullable=False),
    sa.Column('valid_through', sa.Date(), nullable=True),
    sa.Column('held_until', Instant(), nullable=True),
    sa.Column('posting_id', uuid_text(), nullable=True),
    sa.Column('lines', sa.Text(), nullable=True),
    sa.Column('worth_minor', sa.BigInteger(), nullable=True),
    sa.Column('redeemed_at', Instant(), nullable=True),
    sa.Column('ended_at', Instant(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.CheckConstraint("status IN ('issued', 'held', 'redeemed', 'expired', 'cancelled')", name=op.f('ck_vouchers_status')),
    sa.ForeignKeyConstraint(['member_id', 'posting_id'], ['purchases.member_id', 'purchases.posting_id'], name=op.f('fk_vouchers_member_id_posting_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.member_id'], name=op.f('fk_vouchers_member_id')),
    sa.PrimaryKeyConstraint('member_id', 'voucher_id', name=op.f('pk_vouchers')),
    sa.UniqueConstraint('member_id', 'source_kind', 'source_id', name=op.f('uq_vouchers_member_id_source_kind_source_id')),
    info={'distribution': 'member_id'},
    sqlite_with_rowid=True
    )
    op.create_index('ix_vouchers_ending', 'vouchers', ['valid_through'], unique=False, postgresql_where=sa.text("status IN ('issued', 'held')"), sqlite_where=sa.text("status IN ('issued', 'held')"))
    op.create_index(op.f('ix_vouchers_member_id_posting_id'), 'vouchers', ['member_id', 'posting_id'], unique=False)



def _change_lots() -> None:
    with _changing("lot_changes", clustered=True) as table:
        table.drop_constraint(op.f("ck_lot_changes_taken"), type_="check")
        table.alter_column("taken", existing_type=sa.BigInteger(), existing_nullable=False, server_default="0")
        table.add_column(sa.Column("held", sa.BigInteger(), server_default="0", nullable=False))
        table.add_column(sa.Column("state", sa.String(length=16), nullable=True))
        table.create_check_constraint(
            op.f("ck_lot_changes_something"), "taken <> 0 OR held <> 0 OR state IS NOT NULL"
        )
    with _changing("lots") as table:
        table.add_column(sa.Column("level", sa.String(length=64), nullable=True))
    op.create_index("ix_lots_pending", "lots", ["available_on"], postgresql_where=_PENDING, sqlite_where=_PENDING)
    op.create_index("ix_lots_ending", "lots", ["expires_on"], postgresql_where=_ENDING, sqlite_where=_ENDING)


def _change_lots_back() -> None:
    op.drop_index("ix_lots_ending", "lots")
    op.drop_index("ix_lots_pending", "lots")
    with _changing("lots") as table:
        table.drop_column("level")
    op.execute("DELETE FROM lot_changes WHERE taken = 0")
    with _changing("lot_changes", clustered=True) as table:
        table.drop_constraint(op.f("ck_lot_changes_something"), type_="check")
        table.drop_column("state")
        table.drop_column("held")
        table.alter_column("taken", existing_type=sa.BigInteger(), existing_nullable=False, server_default=None)
        table.create_check_constraint(op.f("ck_lot_changes_taken"), "taken <> 0")


def _change_members() -> None:
    with _changing("members") as table:
        table.add_column(sa.Column("level_grace_until", sa.Date(), nullable=True))
        table.add_column(sa.Column("level_by", sa.String(length=8), server_default="metric", nullable=False))
        table.add_column(sa.Column("merged_into", uuid_text(), nullable=True))
        table.create_check_constraint(op.f("ck_members_level_by"), "level_by IN ('metric', 'manual')")
        table.create_check_constraint(
            op.f("ck_members_merged_into"), "(status = 'merged') = (merged_into IS NOT NULL)"
        )
    op.create_index(
        "ix_members_review", "members", ["level_review_on"], postgresql_where=_REVIEWED, sqlite_where=_REVIEWED
    )
    with _changing("profiles") as table:
        table.add_column(sa.Column("token_secret", sa.String(length=64), nullable=True))


def _change_members_back() -> None:
    with _changing("profiles") as table:
        table.drop_column("token_secret")
    op.drop_index("ix_members_review", "members")
    with _changing("members") as table:
        table.drop_constraint(op.f("ck_members_merged_into"), type_="check")
        table.drop_constraint(op.f("ck_members_level_by"), type_="check")
        table.drop_column("merged_into")
        table.drop_column("level_by")
        table.drop_column("level_grace_until")


def _change_purchases() -> None:
    """The till's day of what is there already is the business day: what a receipt said stands in its facts only."""
    with _changing("purchases") as table:
        table.add_column(sa.Column("till_day", sa.Date(), nullable=True))
    op.execute("UPDATE purchases SET till_day = business_day")
    with _changing("purchases") as table:
        table.alter_column("till_day", existing_type=sa.Date(), nullable=False)
    op.create_index(op.f("ix_purchases_till_day_purchase_key"), "purchases", ["till_day", "purchase_key"])


def _change_purchases_back() -> None:
    op.drop_index(op.f("ix_purchases_till_day_purchase_key"), "purchases")
    with _changing("purchases") as table:
        table.drop_column("till_day")
