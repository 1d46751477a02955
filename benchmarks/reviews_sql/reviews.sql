-- One night's reviews by hand, as one would write them for this ladder alone: every level ends on 2026-12-31 after a
-- calendar year, without a grace, and falls by one step.
INSERT INTO tier_history
SELECT m.member_id, m.tier_changes + 1,
       CASE WHEN s.metric >= l.threshold THEN m.level ELSE l.below END,
       CASE WHEN s.metric >= l.threshold THEN m.level_since_at ELSE '2027-01-01 00:00:00+08' END,
       '2027-01-01 00:30:00+08',
       CASE WHEN s.metric >= l.threshold OR l.below <> 'green' THEN date '2027-12-31' END,
       s.metric, 1, 'review', '2026-12-31', 'system:reviews',
       CASE WHEN s.metric >= l.threshold THEN 'kept' ELSE 'lowered' END
FROM members m
JOIN (VALUES ('silver', 1000, 'green'), ('gold', 5000, 'silver')) l (level, threshold, below) ON l.level = m.level
JOIN (SELECT member_id, sum(amount) AS metric FROM qualifying_days
      WHERE metric = 'points:points' AND day BETWEEN '2026-01-01' AND '2026-12-31' GROUP BY member_id) s
  ON s.member_id = m.member_id
WHERE m.level_review_on < '2027-01-01' AND m.status IN ('active', 'suspended');

UPDATE members m
SET level = h.level, level_since_at = h.since_at, level_review_on = h.review_on, tier_changes = h.change_no
FROM tier_history h
WHERE h.member_id = m.member_id AND h.change_no = m.tier_changes + 1;
