-- What `loyalty run pending` does, written by hand: all members in one transaction, one statement a table.
CREATE TEMP TABLE due ON COMMIT DROP AS
SELECT lot.*, least(greatest(debt - before, 0), remaining) AS paid FROM (
  SELECT lots.member_id, lots.lot_id, lots.wallet, lots.remaining, accounts.debt,
         sum(lots.remaining) OVER account - lots.remaining AS before,
         row_number() OVER (PARTITION BY lots.member_id ORDER BY lots.wallet, coalesce(lots.expires_on, '9999-12-31'), lots.opened_on, lots.lot_id) AS number
  FROM lots JOIN accounts ON accounts.member_id = lots.member_id AND accounts.wallet = lots.wallet
  WHERE lots.state = 'pending' AND lots.available_on <= date '2026-06-15' AND lots.remaining > 0
  WINDOW account AS (PARTITION BY lots.member_id, lots.wallet ORDER BY coalesce(lots.expires_on, '9999-12-31'), lots.opened_on, lots.lot_id)
) AS lot;

INSERT INTO ledger_entries (member_id, seq, kind, wallet, source_kind, source_id, available, pending, debt, version, occurred_at, booked_at, actor)
SELECT due.member_id, last_seq + number, 'maturity', wallet, 'maturity', lot_id::text, remaining - paid, -remaining, -paid, 1,
       timestamptz '2026-06-14 16:00Z', greatest(last_booked_at, timestamptz '2026-06-14 16:00Z'), 'admin:night'
FROM due JOIN members ON members.member_id = due.member_id;

INSERT INTO lot_changes (member_id, lot_id, seq, taken, state)
SELECT due.member_id, lot_id, last_seq + number, paid, 'available' FROM due JOIN members ON members.member_id = due.member_id;

UPDATE lots SET state = 'available', remaining = lots.remaining - paid FROM due
WHERE lots.member_id = due.member_id AND lots.lot_id = due.lot_id;

UPDATE accounts SET available = available + all_free, pending = pending - waits, debt = accounts.debt - all_paid
FROM (SELECT member_id, wallet, sum(remaining) AS waits, sum(paid) AS all_paid, sum(remaining - paid) AS all_free FROM due GROUP BY 1, 2) AS moved
WHERE accounts.member_id = moved.member_id AND accounts.wallet = moved.wallet;

UPDATE accounts SET next_expires_on = soonest.expires_on, next_expires_points = coalesce(soonest.points, 0)
FROM (
  SELECT due.member_id, due.wallet, ends.expires_on, ends.points,
         row_number() OVER (PARTITION BY due.member_id, due.wallet ORDER BY ends.expires_on) AS place
  FROM (SELECT DISTINCT member_id, wallet FROM due WHERE paid > 0) AS due
  LEFT JOIN (SELECT member_id, wallet, expires_on, sum(remaining) AS points FROM lots
             WHERE state <> 'expired' AND remaining > 0 AND expires_on IS NOT NULL GROUP BY 1, 2, 3) AS ends
    ON ends.member_id = due.member_id AND ends.wallet = due.wallet
) AS soonest
WHERE place = 1 AND accounts.member_id = soonest.member_id AND accounts.wallet = soonest.wallet;

UPDATE members SET last_seq = last_seq + got, last_booked_at = greatest(last_booked_at, timestamptz '2026-06-14 16:00Z')
FROM (SELECT member_id, count(*) AS got FROM due GROUP BY 1) AS numbered WHERE members.member_id = numbered.member_id;
