-- Members of two levels with half a dozen days in a year and a half, all of whose levels end in one night.
INSERT INTO members (member_id, status, joined_on, enrolled_at, language, level, level_since_at, level_review_on, tier_changes)
SELECT ('01a20000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'active', date '2020-01-01' + n % 2000, '2020-01-01', 'en',
       CASE WHEN n % 5 < 2 THEN 'gold' ELSE 'silver' END, '2026-03-01', '2026-12-31', 1
FROM generate_series(1, :members) n;

INSERT INTO tier_history
SELECT member_id, 1, level, level_since_at, level_since_at, level_review_on, 5000, 1, 'purchase', 'x', 'benchmark', NULL
FROM members;

INSERT INTO qualifying_days
SELECT ('01a20000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, metric, date '2025-07-01' + (n * 37 + place * 61) % 540,
       100 + (n::bigint * 7919 + place * 104729) % 1900
FROM generate_series(1, :members) n, generate_series(1, 6) place, (VALUES ('points:points'), ('net_spend'), ('visits')) m (metric)
ON CONFLICT DO NOTHING;
