-- Members with four lots each in the wallet "points": one that has ended, two that wait and are due, one that goes on.
-- One in a hundred has nothing but what waits, and a debt. Ids follow each other, as those that the engine makes do.
INSERT INTO members (member_id, status, last_seq, joined_on, enrolled_at, language, level_by, tier_changes, purchases_count, last_booked_at)
SELECT ('019a0000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'active', CASE WHEN i % 100 = 0 THEN 3 ELSE 4 END,
       date '2025-01-01', timestamptz '2025-01-01 12:00Z', 'en', 'metric', 0, 0, timestamptz '2026-06-01 12:00Z'
FROM generate_series(1, :members) AS i;

INSERT INTO ledger_entries (member_id, seq, kind, wallet, source_kind, source_id, points, available, pending, debt, lifetime, version, occurred_at, booked_at, actor)
SELECT member_id, seq, 'accrual', 'points', 'event', 'e' || seq, 100,
       CASE WHEN seq <= last_seq - 2 THEN 100 ELSE 0 END, CASE WHEN seq <= last_seq - 2 THEN 0 ELSE 100 END, 0, 100,
       1, timestamptz '2026-06-01 12:00Z', timestamptz '2026-06-01 12:00Z', 'service:bench'
FROM members, generate_series(1, 4) AS seq WHERE seq <= last_seq AND (last_seq = 4 OR seq > 1);

INSERT INTO ledger_entries (member_id, seq, kind, wallet, source_kind, source_id, points, available, pending, debt, lifetime, version, occurred_at, booked_at, actor)
SELECT member_id, 1, 'reversal', 'points', 'event', 'e0', -30, 0, 0, 30, -30,
       1, timestamptz '2026-06-01 12:00Z', timestamptz '2026-06-01 12:00Z', 'service:bench'
FROM members WHERE last_seq = 3;

INSERT INTO lots (member_id, lot_id, wallet, source_kind, source_id, granted, remaining, held, state, opened_seq, opened_on, available_on, expires_on)
SELECT member_id, (substr(member_id::text, 1, 23) || '-' || lpad(to_hex(seq * 16777216 + ('x' || right(member_id::text, 6))::bit(24)::int), 12, '0'))::uuid,
       'points', 'event', source_id, 100, 100, 0, CASE WHEN pending > 0 THEN 'pending' ELSE 'available' END, seq, date '2026-06-01',
       CASE WHEN pending > 0 THEN date '2026-06-15' ELSE date '2026-06-01' END,
       CASE WHEN seq = 1 THEN date '2026-06-14' ELSE date '2027-06-30' END
FROM ledger_entries WHERE kind = 'accrual' ORDER BY seq, member_id;

INSERT INTO accounts (member_id, wallet, available, pending, held, debt, lifetime, active_on, next_expires_on, next_expires_points)
SELECT member_id, 'points', CASE WHEN last_seq = 4 THEN 200 ELSE 0 END, 200, 0, CASE WHEN last_seq = 4 THEN 0 ELSE 30 END,
       CASE WHEN last_seq = 4 THEN 400 ELSE 170 END, date '2026-06-01',
       CASE WHEN last_seq = 4 THEN date '2026-06-14' ELSE date '2027-06-30' END, CASE WHEN last_seq = 4 THEN 100 ELSE 200 END
FROM members;
