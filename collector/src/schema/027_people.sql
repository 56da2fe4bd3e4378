-- What people say of campaigns stands in their timelines; and whether sensors saw what an incident is about, or people alone say so.

-- A merge that a person said was told as the collector's own finding.
UPDATE timeline SET for_members = 0,
    who = (SELECT MIN(r.who) FROM ruling r WHERE r.kind = 'merge' AND r.at = timeline.learnt_at
        AND timeline.body LIKE '{"what":"joined","id":' || r.other_id || ',%'),
    body = '{"what":"merged",' || substr(body, 18, length(body) - 18) || ',"reason":"' || (SELECT MIN(replace(replace(r.reason, '\', '\\'), '"', '\"'))
        FROM ruling r WHERE r.kind = 'merge' AND r.at = timeline.learnt_at
        AND timeline.body LIKE '{"what":"joined","id":' || r.other_id || ',%') || '"}'
WHERE kind = 'campaign' AND who IS NULL AND EXISTS (SELECT 1 FROM ruling r WHERE r.kind = 'merge' AND r.at = timeline.learnt_at
    AND timeline.body LIKE '{"what":"joined","id":' || r.other_id || ',%');
-- Which incidents a split moved was not kept, only how many.
INSERT INTO timeline (kind, subject_id, at, learnt_at, who, for_members, body)
SELECT 'campaign', c.id, r.at, r.at, r.who, 0, '{"what":"split","from":' || r.campaign_id || ',"into":' || COALESCE(CAST(r.other_id AS TEXT), 'null')
    || ',"incidents":[],"count":' || r.incidents || ',"reason":"' || replace(replace(r.reason, '\', '\\'), '"', '\"') || '"}'
FROM ruling r JOIN campaign c ON c.id IN (
    COALESCE((SELECT m.into_id FROM merged m WHERE m.kind = 'campaign' AND m.id = r.campaign_id), r.campaign_id),
    COALESCE((SELECT m.into_id FROM merged m WHERE m.kind = 'campaign' AND m.id = r.other_id), r.other_id))
WHERE r.kind = 'split' ORDER BY r.id, c.id;
-- What people say of a strand stands beside what sensors saw of it. Said: 0 nobody says anything, 1 a person, and not how far it got,
-- 2 and more how far, which is that less 2.
ALTER TABLE strand ADD COLUMN sensed BIGINT NOT NULL DEFAULT 1;
ALTER TABLE strand ADD COLUMN said BIGINT NOT NULL DEFAULT 0;
ALTER TABLE strand ADD COLUMN said_confidence BIGINT NOT NULL DEFAULT 0;
ALTER TABLE strand ADD COLUMN said_severity BIGINT NOT NULL DEFAULT 0;
UPDATE strand SET sensed = 0, said = evidence + 2, said_confidence = confidence, said_severity = severity, evidence = 0, confidence = 0, severity = 0
WHERE NOT EXISTS (SELECT 1 FROM alert a WHERE a.strand_id = strand.id)
    AND EXISTS (SELECT 1 FROM incident i WHERE i.id = strand.incident_id AND i.human <> 0);
-- Where alerts had joined a report, what is further than they got was said by a person.
UPDATE strand SET said_confidence = confidence, said_severity = severity,
    said = CASE WHEN evidence > (SELECT MAX(a.evidence) FROM alert a WHERE a.strand_id = strand.id) THEN evidence + 2 ELSE 1 END,
    evidence = CASE WHEN evidence > (SELECT MAX(a.evidence) FROM alert a WHERE a.strand_id = strand.id)
        THEN (SELECT MAX(a.evidence) FROM alert a WHERE a.strand_id = strand.id) ELSE evidence END
WHERE sensed <> 0 AND EXISTS (SELECT 1 FROM alert a WHERE a.strand_id = strand.id)
    AND EXISTS (SELECT 1 FROM incident i WHERE i.id = strand.incident_id AND i.human <> 0
        AND i.link_kind = strand.link_kind AND i.link_value = strand.link_value);
-- They are weighed anew by that.
UPDATE incident SET weights_version = NULL WHERE human <> 0;
UPDATE campaign SET weights_version = NULL WHERE EXISTS (SELECT 1 FROM incident i WHERE i.campaign_id = campaign.id AND i.human <> 0);
-- Its rules are the rows of apart, its words are lines of the timeline: nothing else was read from it.
DROP TABLE ruling;
