-- Members with an account, a telephone number and a birthday: one in :born has that of the night, the others' follow each other.
INSERT INTO members (member_id, status, last_seq, joined_on, enrolled_at, language, level_by, tier_changes, purchases_count, last_booked_at)
SELECT ('019a0000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'active', 1, date '2025-01-01',
       timestamptz '2025-01-01 12:00Z', 'en', 'metric', 0, 0, timestamptz '2026-06-01 12:00Z'
FROM generate_series(1, :members) AS i;

INSERT INTO profiles (member_id, name, phone, segments, attributes, birthday_month, birthday_day, birthday_year, birthday_calendar, birthday_leap_month, birthday_set_on)
SELECT ('019a0000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'Member', '+861380' || lpad(i::text, 7, '0'), '[]', '{}',
       extract(month FROM born), extract(day FROM born), 1990, 'solar', false, date '2025-01-01'
FROM generate_series(1, :members) AS i, LATERAL (SELECT date '1990-06-10' + (i % :born) AS born) AS day;

INSERT INTO consents (member_id, channel, purpose, given, at, proof)
SELECT member_id, 'sms', 'greeting', true, timestamptz '2025-01-01 12:00Z', 'bench' FROM members;

INSERT INTO ledger_entries (member_id, seq, kind, wallet, source_kind, source_id, points, available, pending, debt, lifetime, version, occurred_at, booked_at, actor)
SELECT member_id, 1, 'accrual', 'points', 'event', 'e1', 100, 100, 0, 0, 100, 1, timestamptz '2026-06-01 12:00Z', timestamptz '2026-06-01 12:00Z', 'service:bench'
FROM members;

INSERT INTO lots (member_id, lot_id, wallet, source_kind, source_id, granted, remaining, held, state, opened_seq, opened_on, available_on, expires_on)
SELECT member_id, (substr(member_id::text, 1, 23) || '-' || lpad(to_hex(16777216 + ('x' || right(member_id::text, 6))::bit(24)::int), 12, '0'))::uuid,
       'points', 'event', 'e1', 100, 100, 0, 'available', 1, date '2026-06-01', date '2026-06-01', date '2027-06-01'
FROM members;

INSERT INTO accounts (member_id, wallet, available, pending, held, debt, lifetime, active_on, next_expires_on, next_expires_points)
SELECT member_id, 'points', 100, 0, 0, 0, 100, date '2026-06-01', date '2027-06-01', 100 FROM members
