"""All tables."""

import sqlalchemy as sa
from alembic import op

from loyalty_engine.store.types import Instant, uuid_text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("entry_id", uuid_text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_log")),
        info={"distribution": "local"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "budgets",
        sa.Column("cap_id", sa.String(length=64), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("used", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_budgets_used")),
        sa.PrimaryKeyConstraint("cap_id", "period_start", name=op.f("pk_budgets")),
        info={"distribution": "cap_id"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "cards",
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=True),
        sa.Column("replaced_by", sa.String(length=32), nullable=True),
        sa.CheckConstraint("status IN ('active', 'blocked', 'replaced')", name=op.f("ck_cards_status")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_cards")),
        info={"distribution": "number"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "purchase_aliases",
        sa.Column("purchase_key", sa.String(length=200), nullable=False),
        sa.Column("first_key", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("purchase_key", name=op.f("pk_purchase_aliases")),
        info={"distribution": "purchase_key"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "claim_codes",
        sa.Column("claim_code", sa.String(length=20), nullable=False),
        sa.Column("purchase_key", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("claim_code", name=op.f("pk_claim_codes")),
        info={"distribution": "claim_code"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "external_ids",
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.PrimaryKeyConstraint("external_id", name=op.f("pk_external_ids")),
        info={"distribution": "external_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("scope_key", sa.String(length=64), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("scope_key", name=op.f("pk_idempotency_keys")),
        info={"distribution": "scope_key"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_keys_created_at"), ["created_at"], unique=False)

    op.create_table(
        "import_files",
        sa.Column("file_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("rows_done", sa.BigInteger(), nullable=False),
        sa.Column("totals", sa.Text(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("file_hash", "kind", name=op.f("pk_import_files")),
        info={"distribution": "local"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "members",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("enrolled_at", Instant(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("level", sa.String(length=64), nullable=True),
        sa.Column("level_since_at", Instant(), nullable=True),
        sa.Column("level_review_on", sa.Date(), nullable=True),
        sa.Column("tier_changes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("purchases_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_purchase_on", sa.Date(), nullable=True),
        sa.Column("last_booked_at", Instant(), nullable=True),
        sa.CheckConstraint("status IN ('active', 'suspended', 'erased', 'merged')", name=op.f("ck_members_status")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_members")),
        info={"distribution": "member_id"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "merchants",
        sa.Column("merchant_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_merchants")),
        info={"distribution": "reference"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "parked_purchases",
        sa.Column("purchase_key", sa.String(length=200), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("named_member", sa.Text(), nullable=True),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("claim_code", sa.String(length=20), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('unclaimed', 'unresolved', 'posted', 'returned')", name=op.f("ck_parked_purchases_status")
        ),
        sa.PrimaryKeyConstraint("purchase_key", name=op.f("pk_parked_purchases")),
        info={"distribution": "purchase_key"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("parked_purchases", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_parked_purchases_status_received_at"), ["status", "received_at"], unique=False
        )

    op.create_table(
        "phones",
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_phones")),
        info={"distribution": "phone"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "products",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("category", sa.String(length=200), nullable=True),
        sa.Column("brand", sa.String(length=64), nullable=True),
        sa.Column("tags", sa.Text(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("sku", "from_on", name=op.f("pk_products")),
        info={"distribution": "reference"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "programme_versions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("effective_at", Instant(), nullable=True),
        sa.Column("published_at", Instant(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "(version = 1) = (effective_at IS NULL)", name=op.f("ck_programme_versions_first_reaches_back")
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_programme_versions")),
        sa.UniqueConstraint("effective_at", name=op.f("uq_programme_versions_effective_at")),
        info={"distribution": "reference"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "purchase_keys",
        sa.Column("purchase_key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("member_id", uuid_text(), nullable=True),
        sa.Column("posting_id", uuid_text(), nullable=True),
        sa.PrimaryKeyConstraint("purchase_key", name=op.f("pk_purchase_keys")),
        info={"distribution": "purchase_key"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "receipts",
        sa.Column("receipt_key", sa.String(length=300), nullable=False),
        sa.Column("purchase_key", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("receipt_key", name=op.f("pk_receipts")),
        info={"distribution": "receipt_key"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sku_lists",
        sa.Column("list_id", sa.String(length=64), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("list_id", "sku", name=op.f("pk_sku_lists")),
        info={"distribution": "reference"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "waiting_returns",
        sa.Column("purchase_key", sa.String(length=200), nullable=False),
        sa.Column("return_reference", sa.String(length=64), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("purchase_key", "return_reference", name=op.f("pk_waiting_returns")),
        info={"distribution": "purchase_key"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "accounts",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("wallet", sa.String(length=64), nullable=False),
        sa.Column("available", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("debt", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lifetime", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("active_on", sa.Date(), nullable=False),
        sa.Column("next_expires_on", sa.Date(), nullable=True),
        sa.Column("next_expires_points", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("available = 0 OR debt = 0", name=op.f("ck_accounts_debt_is_paid_first")),
        sa.CheckConstraint(
            "available >= 0 AND pending >= 0 AND held >= 0 AND debt >= 0", name=op.f("ck_accounts_figures")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_accounts_member_id")),
        sa.PrimaryKeyConstraint("member_id", "wallet", name=op.f("pk_accounts")),
        info={"distribution": "member_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cap_uses",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("cap_id", sa.String(length=64), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("used", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_cap_uses_used")),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_cap_uses_member_id")),
        sa.PrimaryKeyConstraint("member_id", "cap_id", "period_start", name=op.f("pk_cap_uses")),
        info={"distribution": "member_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consents",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_consents_member_id")),
        sa.PrimaryKeyConstraint("member_id", "channel", "purpose", name=op.f("pk_consents")),
        info={"distribution": "member_id"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "ledger_entries",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("wallet", sa.String(length=64), nullable=False),
        sa.Column("source_kind", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("points", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("available", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("debt", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lifetime", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("forgiven", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("booked_at", Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "available + pending + held - debt = points + forgiven", name=op.f("ck_ledger_entries_adds_up")
        ),
        sa.CheckConstraint("forgiven >= 0", name=op.f("ck_ledger_entries_forgiven")),
        sa.CheckConstraint("points BETWEEN -1000000000 AND 1000000000", name=op.f("ck_ledger_entries_points")),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_ledger_entries_member_id")),
        sa.PrimaryKeyConstraint("member_id", "seq", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint(
            "member_id",
            "source_kind",
            "source_id",
            "wallet",
            name=op.f("uq_ledger_entries_member_id_source_kind_source_id_wallet"),
        ),
        info={"distribution": "member_id"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "profiles",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("birthday_month", sa.Integer(), nullable=True),
        sa.Column("birthday_day", sa.Integer(), nullable=True),
        sa.Column("birthday_year", sa.Integer(), nullable=True),
        sa.Column("birthday_calendar", sa.String(length=8), nullable=True),
        sa.Column("birthday_leap_month", sa.Boolean(), nullable=True),
        sa.Column("birthday_locked_until", sa.Date(), nullable=True),
        sa.Column("segments", sa.Text(), server_default="[]", nullable=False),
        sa.Column("attributes", sa.Text(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_profiles_member_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_profiles")),
        info={"distribution": "member_id"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "purchases",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("posting_id", uuid_text(), nullable=False),
        sa.Column("purchase_key", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("booked_at", Instant(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decisions", sa.Text(), nullable=False),
        sa.Column("granted", sa.Text(), nullable=False),
        sa.Column("cap_use", sa.Text(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=True),
        sa.Column("left_units", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('posted', 'moved')", name=op.f("ck_purchases_status")),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_purchases_member_id")),
        sa.PrimaryKeyConstraint("member_id", "posting_id", name=op.f("pk_purchases")),
        info={"distribution": "member_id"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "qualifying_days",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("metric", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_qualifying_days_member_id")),
        sa.PrimaryKeyConstraint("member_id", "metric", "day", name=op.f("pk_qualifying_days")),
        info={"distribution": "member_id"},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stores",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("merchant_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant_id"], name=op.f("fk_stores_merchant_id")),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_stores")),
        info={"distribution": "reference"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "tier_history",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("change_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.String(length=64), nullable=True),
        sa.Column("since_at", Instant(), nullable=False),
        sa.Column("booked_at", Instant(), nullable=False),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("metric", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source_kind", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_tier_history_member_id")),
        sa.PrimaryKeyConstraint("member_id", "change_no", name=op.f("pk_tier_history")),
        info={"distribution": "member_id"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "lots",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("lot_id", uuid_text(), nullable=False),
        sa.Column("wallet", sa.String(length=64), nullable=False),
        sa.Column("source_kind", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("granted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("remaining", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_seq", sa.BigInteger(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("available_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'available', 'expired')", name=op.f("ck_lots_state")),
        sa.CheckConstraint("held BETWEEN 0 AND remaining", name=op.f("ck_lots_held")),
        sa.CheckConstraint("remaining BETWEEN 0 AND granted", name=op.f("ck_lots_remaining")),
        sa.ForeignKeyConstraint(
            ["member_id", "opened_seq"],
            ["ledger_entries.member_id", "ledger_entries.seq"],
            name=op.f("fk_lots_member_id_opened_seq"),
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_lots_member_id")),
        sa.PrimaryKeyConstraint("member_id", "lot_id", name=op.f("pk_lots")),
        info={"distribution": "member_id"},
        sqlite_with_rowid=True,
    )
    with op.batch_alter_table("lots", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lots_member_id_source_id"), ["member_id", "source_id"], unique=False)

    op.create_table(
        "purchase_returns",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("posting_id", uuid_text(), nullable=False),
        sa.Column("return_reference", sa.String(length=64), nullable=False),
        sa.Column("return_id", uuid_text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("booked_at", Instant(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id", "posting_id"],
            ["purchases.member_id", "purchases.posting_id"],
            name=op.f("fk_purchase_returns_member_id_posting_id"),
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_purchase_returns_member_id")),
        sa.PrimaryKeyConstraint("member_id", "posting_id", "return_reference", name=op.f("pk_purchase_returns")),
        info={"distribution": "member_id"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "store_groups",
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_store_groups_store_id")),
        sa.PrimaryKeyConstraint("group_id", "store_id", name=op.f("pk_store_groups")),
        info={"distribution": "reference"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "terminals",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("terminal_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_terminals_store_id")),
        sa.PrimaryKeyConstraint("store_id", "terminal_id", name=op.f("pk_terminals")),
        info={"distribution": "reference"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.String(length=64), nullable=True),
        sa.Column("store_id", sa.String(length=64), nullable=True),
        sa.Column("terminal_id", sa.String(length=64), nullable=True),
        sa.Column("member_id", uuid_text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant_id"], name=op.f("fk_tokens_merchant_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_tokens_store_id")),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_tokens")),
        info={"distribution": "reference"},
        sqlite_with_rowid=True,
    )
    op.create_table(
        "lot_changes",
        sa.Column("member_id", uuid_text(), nullable=False),
        sa.Column("lot_id", uuid_text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("taken <> 0", name=op.f("ck_lot_changes_taken")),
        sa.ForeignKeyConstraint(
            ["member_id", "lot_id"], ["lots.member_id", "lots.lot_id"], name=op.f("fk_lot_changes_member_id_lot_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id", "seq"],
            ["ledger_entries.member_id", "ledger_entries.seq"],
            name=op.f("fk_lot_changes_member_id_seq"),
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_lot_changes_member_id")),
        sa.PrimaryKeyConstraint("member_id", "lot_id", "seq", name=op.f("pk_lot_changes")),
        info={"distribution": "member_id"},
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("lot_changes")
    op.drop_table("tokens")
    op.drop_table("terminals")
    op.drop_table("store_groups")
    op.drop_table("purchase_returns")
    with op.batch_alter_table("lots", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lots_member_id_source_id"))

    op.drop_table("lots")
    op.drop_table("tier_history")
    op.drop_table("stores")
    op.drop_table("qualifying_days")
    op.drop_table("purchases")
    op.drop_table("profiles")
    op.drop_table("ledger_entries")
    op.drop_table("consents")
    op.drop_table("cap_uses")
    op.drop_table("accounts")
    op.drop_table("waiting_returns")
    op.drop_table("sku_lists")
    op.drop_table("receipts")
    op.drop_table("purchase_keys")
    op.drop_table("programme_versions")
    op.drop_table("products")
    op.drop_table("phones")
    with op.batch_alter_table("parked_purchases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_parked_purchases_status_received_at"))

    op.drop_table("parked_purchases")
    op.drop_table("merchants")
    op.drop_table("members")
    op.drop_table("import_files")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_created_at"))

    op.drop_table("idempotency_keys")
    op.drop_table("external_ids")
    op.drop_table("claim_codes")
    op.drop_table("purchase_aliases")
    op.drop_table("cards")
    op.drop_table("budgets")
    op.drop_table("audit_log")
