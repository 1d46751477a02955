-- Members with a telephone, a birthday that is spread over the year, consent to greetings, and one lot each in the wallet
-- "points"; three in a hundred have one that ends thirty days after the day that is planned. Half read Chinese.
INSERT INTO members (member_id, status, last_seq, joined_on, enrolled_at, time_zone, language, level_by, tier_changes, purchases_count, last_booked_at)
SELECT ('019a0000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'active', 1,
       date '2025-01-01', timestamptz '2025-01-01 12:00Z', CASE WHEN i % 10 = 0 THEN 'America/New_York' END,
       CASE WHEN i % 2 = 0 THEN 'zh' ELSE 'en' END, 'metric', 0, 0, timestamptz '2026-06-01 12:00Z'
FROM generate_series(1, :members) AS i;

INSERT INTO profiles (member_id, name, phone, birthday_month, birthday_day, birthday_calendar, birthday_leap_month, birthday_set_on, segments, attributes)
SELECT member_id, 'Anna Smith', '+86138' || lpad(n::text, 8, '0'), extract(month FROM born), extract(day FROM born), 'solar',
       false, date '2025-01-01', '[]', '{}'
FROM (SELECT member_id, row_number() OVER (ORDER BY member_id) AS n,
             date '2024-01-01' + (row_number() OVER (ORDER BY member_id) % 366)::int AS born FROM members) AS numbered;

INSERT INTO consents (member_id, channel, purpose, given, at, proof)
SELECT member_id, 'sms', 'greeting', true, timestamptz '2025-01-01 12:00Z', 'form' FROM members;

INSERT INTO ledger_entries (member_id, seq, kind, wallet, source_kind, source_id, points, available, pending, debt, lifetime, version, occurred_at, booked_at, actor)
SELECT member_id, 1, 'accrual', 'points', 'event', 'e1', 100, 100, 0, 0, 100,
       1, timestamptz '2026-01-01 12:00Z', timestamptz '2026-01-01 12:00Z', 'service:bench'
FROM members;

INSERT INTO lots (member_id, lot_id, wallet, source_kind, source_id, granted, remaining, held, state, opened_seq, opened_on, available_on, expires_on)
SELECT member_id, member_id, 'points', 'event', 'e1', 100, 100, 0, 'available', 1, date '2026-01-01', date '2026-01-01',
       CASE WHEN row_number() OVER (ORDER BY member_id) % 100 < 3 THEN date '2026-07-15' ELSE date '2027-06-30' END
FROM members;

INSERT INTO accounts (member_id, wallet, available, pending, held, debt, lifetime, active_on, next_expires_on, next_expires_points)
SELECT member_id, 'points', 100, 0, 0, 0, 100, date '2026-01-01', expires_on, 100 FROM lots;
