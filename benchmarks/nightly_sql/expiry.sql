-- What `loyalty run expiry` does, written by hand: all members in one transaction, one statement a table.
CREATE TEMP TABLE due ON COMMIT DROP AS
SELECT member_id, lot_id, wallet, held, remaining - held AS free,
       row_number() OVER (PARTITION BY member_id ORDER BY wallet, coalesce(expires_on, '9999-12-31'), opened_on, lot_id) AS number
FROM lots WHERE state = 'available' AND remaining > 0 AND remaining > held AND expires_on < date '2026-06-15';

INSERT INTO ledger_entries (member_id, seq, kind, wallet, source_kind, source_id, points, available, version, occurred_at, booked_at, actor)
SELECT due.member_id, last_seq + number, 'expiry', wallet, 'expiry', lot_id::text, -free, -free, 1,
       timestamptz '2026-06-14 16:00Z', greatest(last_booked_at, timestamptz '2026-06-14 16:00Z'), 'admin:night'
FROM due JOIN members ON members.member_id = due.member_id;

INSERT INTO lot_changes (member_id, lot_id, seq, taken, state)
SELECT due.member_id, lot_id, last_seq + number, free, CASE WHEN held = 0 THEN 'expired' END
FROM due JOIN members ON members.member_id = due.member_id;

UPDATE lots SET remaining = due.held, state = CASE WHEN due.held = 0 THEN 'expired' ELSE state END FROM due
WHERE lots.member_id = due.member_id AND lots.lot_id = due.lot_id;

UPDATE accounts SET available = available - lapsed, next_expires_on = soonest.expires_on, next_expires_points = coalesce(soonest.points, 0)
FROM (
  SELECT moved.member_id, moved.wallet, moved.lapsed, ends.expires_on, ends.points,
         row_number() OVER (PARTITION BY moved.member_id, moved.wallet ORDER BY ends.expires_on) AS place
  FROM (SELECT member_id, wallet, sum(free) AS lapsed FROM due GROUP BY 1, 2) AS moved
  LEFT JOIN (SELECT member_id, wallet, expires_on, sum(remaining) AS points FROM lots
             WHERE state <> 'expired' AND remaining > 0 AND expires_on IS NOT NULL GROUP BY 1, 2, 3) AS ends
    ON ends.member_id = moved.member_id AND ends.wallet = moved.wallet
) AS soonest
WHERE place = 1 AND accounts.member_id = soonest.member_id AND accounts.wallet = soonest.wallet;

UPDATE members SET last_seq = last_seq + got, last_booked_at = greatest(last_booked_at, timestamptz '2026-06-14 16:00Z')
FROM (SELECT member_id, count(*) AS got FROM due GROUP BY 1) AS numbered WHERE members.member_id = numbered.member_id;
