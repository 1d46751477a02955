-- What posting one purchase asks of PostgreSQL, statement by statement, as services/purchases.py issues it for the
-- purchase of purchase.json under programme.yaml: tests/test_benchmark_statements.py compares the two. A change here
-- moves the yardstick: say why in docs/benchmarks.md.
--
-- Given with -D: first_card, members, run (no two runs have the same), n (0), metric, facts, decisions, answer (no literal
-- may hold a colon before a letter: pgbench takes that for a variable). Ids of purchases
-- and lots are numbers written as UUIDs.
\set n :n + 1
\set id :run * 1000000000000 + :client_id * 1000000000 + :n
\set card :first_card + random(0, :members - 1)
BEGIN;
SELECT products.sku, products.from_on, products.category, products.brand, products.tags FROM products WHERE products.sku IN (SELECT word FROM jsonb_array_elements_text('["LATTE-L", "OOLONG", "CHEESECAKE", "BEANS-250", "LIGHTER"]'::JSONB) AS word) ORDER BY products.from_on;
SELECT max(programme_versions.version) AS max_1 FROM programme_versions;
SELECT cards.member_id, cards.status FROM cards WHERE cards.number = (:card)::varchar
\gset
INSERT INTO receipts (receipt_key, purchase_key) VALUES ('bench|bench-1 till-1|2026-11-22|' || (:id)::varchar, 'bench-1/b-' || (:id)::varchar) ON CONFLICT DO NOTHING;
INSERT INTO purchase_keys (purchase_key, fingerprint, member_id, posting_id) VALUES ('bench-1/b-' || (:id)::varchar, '176070841b2d27b29e9db7146a2393c20806865daacf55a5240f06b24c68aaaa', (:member_id)::uuid, lpad((:id)::varchar, 32, '0')::uuid) ON CONFLICT DO NOTHING;
SELECT members.status, members.language, members.last_seq, members.joined_on, members.merged_into, members.level, members.level_since_at, members.level_review_on, members.tier_changes, members.purchases_count, members.last_purchase_on, members.last_booked_at, members.level_grace_until, members.level_by FROM members WHERE members.member_id = (:member_id)::uuid FOR UPDATE
\gset
SELECT accounts.wallet, accounts.available, accounts.pending, accounts.held, accounts.debt, accounts.lifetime, accounts.active_on, accounts.next_expires_on, accounts.next_expires_points FROM accounts WHERE accounts.member_id = (:member_id)::uuid;
SELECT cap_uses.cap_id, cap_uses.period_start, cap_uses.used FROM cap_uses WHERE cap_uses.member_id = (:member_id)::uuid AND (cap_uses.period_start = '2026-11-01' OR cap_uses.period_start = '2026-11-01' OR cap_uses.period_start = '2026-11-01' OR cap_uses.period_start = '2026-11-01' OR cap_uses.period_start = '2026-11-01');
SELECT coalesce(sum(qualifying_days.amount), 0) AS coalesce_1 FROM qualifying_days WHERE qualifying_days.member_id = (:member_id)::uuid AND qualifying_days.metric = (:metric)::varchar AND qualifying_days.day >= '2025-11-23';
INSERT INTO purchases (member_id, posting_id, purchase_key, status, occurred_at, booked_at, business_day, till_day, currency, total_minor, facts, version, decisions, granted, cap_use, kept, left_units, answer) VALUES ((:member_id)::uuid, lpad((:id)::varchar, 32, '0')::uuid, 'bench-1/b-' || (:id)::varchar, 'posted', '20261122T040000Z', '20261122T040001Z', '2026-11-22', '2026-11-22', 'CNY', 14250, (:facts)::varchar, 1, (:decisions)::varchar, '{"points":300}', '{"monthly-bonus":50}', NULL, NULL, (:answer)::varchar);
INSERT INTO ledger_entries (member_id, seq, kind, wallet, source_kind, source_id, points, available, pending, held, debt, lifetime, forgiven, version, occurred_at, booked_at, actor, reason) VALUES ((:member_id)::uuid, (:last_seq)::bigint + 1, 'accrual', 'points', 'purchase', lpad((:id)::varchar, 32, '0'), 300, 300, 0, 0, 0, 300, 0, 1, '20261122T040000Z', '20261122T040001Z', 'terminal 0123456789abcdef', NULL);
INSERT INTO lots (member_id, lot_id, wallet, source_kind, source_id, granted, remaining, held, state, opened_seq, opened_on, available_on, expires_on, level) VALUES ((:member_id)::uuid, lpad((:id)::varchar, 32, '0')::uuid, 'points', 'purchase', lpad((:id)::varchar, 32, '0'), 300, 300, 0, 'available', (:last_seq)::bigint + 1, '2026-11-22', '2026-11-22', '2027-11-30', 'green');
UPDATE members SET last_seq = (:last_seq)::bigint + 1, level = 'green', level_since_at = '20261122T030000Z', level_review_on = NULL, tier_changes = 1, purchases_count = (:purchases_count)::bigint + 1, last_purchase_on = '2026-11-22', last_booked_at = '20261122T040001Z', level_grace_until = NULL, level_by = 'metric' WHERE members.member_id = (:member_id)::uuid;
INSERT INTO accounts (member_id, wallet, available, pending, held, debt, lifetime, active_on, next_expires_on, next_expires_points) VALUES ((:member_id)::uuid, 'points', 300, 0, 0, 0, 300, '2026-11-22', '2027-11-30', 300) ON CONFLICT (member_id, wallet) DO UPDATE SET available = excluded.available, pending = excluded.pending, held = excluded.held, debt = excluded.debt, lifetime = excluded.lifetime, active_on = excluded.active_on, next_expires_on = excluded.next_expires_on, next_expires_points = excluded.next_expires_points;
INSERT INTO qualifying_days (member_id, metric, day, amount) VALUES ((:member_id)::uuid, (:metric)::varchar, '2026-11-22', 300), ((:member_id)::uuid, 'net_spend', '2026-11-22', 14250), ((:member_id)::uuid, 'visits', '2026-11-22', 1) ON CONFLICT (member_id, metric, day) DO UPDATE SET amount = qualifying_days.amount + excluded.amount;
INSERT INTO cap_uses (member_id, cap_id, period_start, used) VALUES ((:member_id)::uuid, 'monthly-bonus/month', '2026-11-01', 50) ON CONFLICT (member_id, cap_id, period_start) DO UPDATE SET used = excluded.used;
COMMIT;
