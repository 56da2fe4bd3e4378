-- Correlation: strands, what they share, clusters, guards, and what each incident and campaign is weighed as.

-- Incidents that something connects, through any number of others. A campaign is one with enough members in it.
CREATE TABLE cluster (
    id                INTEGER PRIMARY KEY,
    too_connected_at  BIGINT,              -- since when medium links join nothing to it any more
    too_connected_why TEXT                 -- kind and value of the guard that tripped, or 'topics'
);

-- Clusters that a person has put apart: no later alert makes one of them.
CREATE TABLE apart (
    low     BIGINT NOT NULL REFERENCES cluster (id),
    high    BIGINT NOT NULL REFERENCES cluster (id),
    PRIMARY KEY (low, high)
);

-- What a person has said of campaigns.
CREATE TABLE ruling (
    id          INTEGER PRIMARY KEY,
    kind        TEXT   NOT NULL,           -- 'split' or 'merge'
    campaign_id BIGINT NOT NULL,           -- that was split, or that went on
    other_id    BIGINT,                    -- the campaign that was split off, or that became part; none = no campaign
    incidents   BIGINT NOT NULL,           -- how many incidents it moved
    who         TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    at          BIGINT NOT NULL
);
CREATE INDEX ruling_by_campaign ON ruling (campaign_id);

-- The alerts of one member on one topic: incidents are made of these.
CREATE TABLE strand (
    id              INTEGER PRIMARY KEY,
    member_id       BIGINT NOT NULL REFERENCES member (id),
    incident_id     BIGINT NOT NULL REFERENCES incident (id),
    link_kind       TEXT   NOT NULL,
    link_value      TEXT   NOT NULL,
    exercise        BIGINT NOT NULL,
    first_seen      BIGINT NOT NULL,
    last_seen       BIGINT NOT NULL,
    evidence        BIGINT NOT NULL,       -- this and what follows: the most that any alert that founds it has
    confidence      BIGINT NOT NULL,       -- 0-100
    level           BIGINT NOT NULL,       -- of a zone: 0 low, 1 medium, 2 high
    severity        BIGINT NOT NULL,
    by_name         BIGINT NOT NULL,       -- contact by name
    by_name_at_high BIGINT NOT NULL,       -- at a zone of high consequence
    persistent      BIGINT NOT NULL,       -- contact as regular as a program's
    in_history      BIGINT NOT NULL        -- found in history
);
CREATE INDEX strand_by_topic ON strand (member_id, link_kind, link_value);
CREATE INDEX strand_by_incident ON strand (incident_id);

-- What strands may share with those of others, and when: sightings with it that lie within a strand's window of each other.
CREATE TABLE trace (
    id         INTEGER PRIMARY KEY,
    member_id  BIGINT NOT NULL REFERENCES member (id),
    strand_id  BIGINT NOT NULL REFERENCES strand (id),
    kind       TEXT   NOT NULL,            -- 'threat', 'indicator', 'contact', 'address' or 'domain'
    value      TEXT   NOT NULL,
    exercise   BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL
);
CREATE INDEX trace_by_key ON trace (kind, value);
CREATE INDEX trace_by_strand ON trace (strand_id);

-- Keys that link nothing any more, and what made them so. Of an indicator it is the proposal that it is noise.
CREATE TABLE guard (
    kind          TEXT   NOT NULL,
    value         TEXT   NOT NULL,
    tripped_at    BIGINT NOT NULL,
    numbers       TEXT   NOT NULL,         -- JSON: what it was found by
    settled_at    BIGINT,                  -- a person has said what it is
    settled_as    TEXT,                    -- 'upheld' or 'overruled'; overruled, it links again and is not proposed again
    settled_by    TEXT,
    settled_why   TEXT,
    PRIMARY KEY (kind, value)
);

-- Which members an indicator has met. Exercises do not count.
CREATE TABLE meeting (
    indicator_id BIGINT NOT NULL REFERENCES indicator (id),
    member_id    BIGINT NOT NULL REFERENCES member (id),
    first_seen   BIGINT NOT NULL,
    evidence     BIGINT NOT NULL,
    PRIMARY KEY (indicator_id, member_id)
);
CREATE INDEX meeting_by_member ON meeting (member_id);

-- Files of weights that were taken in; the last one is in force. None = the one that is built in.
CREATE TABLE weights (
    id       INTEGER PRIMARY KEY,
    version  TEXT   NOT NULL,
    text     TEXT   NOT NULL,
    taken_at BIGINT NOT NULL
);

ALTER TABLE incident ADD COLUMN cluster_id BIGINT REFERENCES cluster (id);
ALTER TABLE incident ADD COLUMN word BIGINT;            -- 0 info … 4 critical; none = not weighed yet
ALTER TABLE incident ADD COLUMN sort BIGINT;
ALTER TABLE incident ADD COLUMN why TEXT;               -- JSON: the terms
ALTER TABLE incident ADD COLUMN weights_version TEXT;
CREATE INDEX incident_by_cluster ON incident (cluster_id);
CREATE INDEX incident_unweighed ON incident (id) WHERE word IS NULL;

ALTER TABLE campaign ADD COLUMN cluster_id BIGINT REFERENCES cluster (id);
ALTER TABLE campaign ADD COLUMN word BIGINT;
ALTER TABLE campaign ADD COLUMN sort BIGINT;
ALTER TABLE campaign ADD COLUMN why TEXT;
ALTER TABLE campaign ADD COLUMN weights_version TEXT;
CREATE INDEX campaign_by_cluster ON campaign (cluster_id);

ALTER TABLE alert ADD COLUMN strand_id BIGINT REFERENCES strand (id);
CREATE INDEX alert_by_strand ON alert (strand_id);
CREATE INDEX alert_by_host ON alert (member_id, client, last_seen) WHERE client IS NOT NULL;

-- What was there: each campaign is a cluster, and each incident outside of one; each incident is one strand.
INSERT INTO cluster (id) SELECT id FROM campaign;
INSERT INTO cluster (id) SELECT i.id + (SELECT COALESCE(MAX(c.id), 0) FROM campaign c) FROM incident i WHERE i.campaign_id IS NULL;
UPDATE campaign SET cluster_id = id;
UPDATE incident SET cluster_id = COALESCE(campaign_id, id + (SELECT COALESCE(MAX(c.id), 0) FROM campaign c));
INSERT INTO strand (id, member_id, incident_id, link_kind, link_value, exercise, first_seen, last_seen, evidence, confidence, level,
    severity, by_name, by_name_at_high, persistent, in_history)
SELECT i.id, i.member_id, i.id, i.link_kind, i.link_value, i.exercise, i.first_seen, i.last_seen,
    COALESCE(MAX(a.evidence), 0), COALESCE(MAX(n.confidence), 0),
    COALESCE(MAX(CASE WHEN a.zone_levels LIKE '%2%' THEN 2 WHEN a.zone_levels LIKE '%1%' THEN 1 ELSE 0 END), 0),
    COALESCE(MAX(a.severity), 0),
    COALESCE(MAX(CASE WHEN a.evidence >= 4 AND a.possible_contact = 0 AND n.kind IN ('domain', 'host') THEN 1 ELSE 0 END), 0),
    COALESCE(MAX(CASE WHEN a.evidence >= 4 AND a.possible_contact = 0 AND n.kind IN ('domain', 'host')
        AND a.zone_levels LIKE '%2%' THEN 1 ELSE 0 END), 0),
    0, COALESCE(MAX(a.retro), 0)
FROM incident i
LEFT JOIN alert a ON a.incident_id = i.id AND (a.direction = 'outbound' OR a.client IS NOT NULL OR a.hosts IS NOT NULL OR a.evidence > 3)
LEFT JOIN indicator n ON n.id = a.indicator_id
GROUP BY i.id, i.member_id, i.link_kind, i.link_value, i.exercise, i.first_seen, i.last_seen;
UPDATE alert SET strand_id = incident_id;
-- What was stored shares threats, indicators and contact; addresses and domains are shared by what comes from now on, for what is common
-- among them only the program knows. As from now on no trace bridges more quiet than its key reaches, nor more than a strand's seven days:
-- six hours of an indicator that nobody stands for (confidence under 75, by the weights that are built in).
INSERT INTO trace (member_id, strand_id, kind, value, exercise, first_seen, last_seen)
SELECT member_id, id, 'threat', link_value, exercise, first_seen, last_seen FROM strand WHERE link_kind = 'threat';
INSERT INTO trace (member_id, strand_id, kind, value, exercise, first_seen, last_seen)
SELECT p.member_id, p.strand_id, 'indicator', CAST(p.indicator_id AS TEXT), p.exercise, MIN(p.first_seen), MAX(p.last_seen) FROM (
    SELECT o.*, SUM(o.begins) OVER (PARTITION BY o.strand_id, o.indicator_id ORDER BY o.first_seen, o.id) AS part FROM (
        SELECT s.member_id, s.id AS strand_id, a.indicator_id, s.exercise, a.first_seen, a.last_seen, a.id,
            CASE WHEN a.first_seen <= MAX(a.last_seen) OVER (PARTITION BY s.id, a.indicator_id ORDER BY a.first_seen, a.id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + CASE WHEN n.confidence >= 75 THEN 604800000000 ELSE 21600000000 END
                THEN 0 ELSE 1 END AS begins
        FROM strand s JOIN alert a ON a.strand_id = s.id JOIN indicator n ON n.id = a.indicator_id
        WHERE a.direction = 'outbound' OR a.client IS NOT NULL OR a.hosts IS NOT NULL OR a.evidence > 3) o) p
GROUP BY p.member_id, p.strand_id, p.indicator_id, p.exercise, p.part;
INSERT INTO trace (member_id, strand_id, kind, value, exercise, first_seen, last_seen)
SELECT p.member_id, p.strand_id, 'contact', CAST(p.indicator_id AS TEXT), p.exercise, MIN(p.first_seen), MAX(p.last_seen) FROM (
    SELECT o.*, SUM(o.begins) OVER (PARTITION BY o.strand_id, o.indicator_id ORDER BY o.first_seen, o.id) AS part FROM (
        SELECT s.member_id, s.id AS strand_id, a.indicator_id, s.exercise, a.first_seen, a.last_seen, a.id,
            CASE WHEN a.first_seen <= MAX(a.last_seen) OVER (PARTITION BY s.id, a.indicator_id ORDER BY a.first_seen, a.id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + 604800000000 THEN 0 ELSE 1 END AS begins
        FROM strand s JOIN alert a ON a.strand_id = s.id
        WHERE a.evidence >= 3 AND (a.direction = 'outbound' OR a.client IS NOT NULL OR a.hosts IS NOT NULL OR a.evidence > 3)) o) p
GROUP BY p.member_id, p.strand_id, p.indicator_id, p.exercise, p.part;
INSERT INTO meeting (indicator_id, member_id, first_seen, evidence)
SELECT indicator_id, member_id, MIN(first_seen), MAX(evidence) FROM alert WHERE exercise = 0
    AND (direction = 'outbound' OR client IS NOT NULL OR hosts IS NOT NULL OR evidence > 3) GROUP BY indicator_id, member_id;
