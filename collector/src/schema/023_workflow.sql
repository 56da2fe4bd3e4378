-- The work on incidents and campaigns: where each stands, whose it is, and all that was said and found of it, in order.

ALTER TABLE incident ADD COLUMN state TEXT NOT NULL DEFAULT 'new';      -- new, triaged, confirmed, contained or closed
ALTER TABLE incident ADD COLUMN closed_as TEXT;                         -- of a closed one: confirmed, false-positive, …
ALTER TABLE incident ADD COLUMN duplicate_of BIGINT;                    -- of a duplicate: the incident that is worked on
ALTER TABLE incident ADD COLUMN state_at BIGINT;                        -- our clock, when it came to stand so; none = since it was opened
ALTER TABLE incident ADD COLUMN owner TEXT;                             -- whose it is, at the CSIRT
ALTER TABLE incident ADD COLUMN worked_at BIGINT;                       -- when something was last said of it
ALTER TABLE incident ADD COLUMN came_back BIGINT NOT NULL DEFAULT 0;    -- how often what sensors saw opened it again
ALTER TABLE incident ADD COLUMN human BIGINT NOT NULL DEFAULT 0;        -- 1: a person opened it, and gave it its title
ALTER TABLE incident ADD COLUMN reached BIGINT;                         -- the furthest evidence its timeline tells of
ALTER TABLE incident ADD COLUMN campaign_since BIGINT;                 -- when it came into its campaign
CREATE INDEX incident_closed ON incident (member_id) WHERE state = 'closed';

ALTER TABLE campaign ADD COLUMN state TEXT NOT NULL DEFAULT 'new';      -- new or closed
ALTER TABLE campaign ADD COLUMN closed_as TEXT;
ALTER TABLE campaign ADD COLUMN duplicate_of BIGINT;
ALTER TABLE campaign ADD COLUMN state_at BIGINT;
ALTER TABLE campaign ADD COLUMN owner TEXT;
ALTER TABLE campaign ADD COLUMN worked_at BIGINT;
ALTER TABLE campaign ADD COLUMN came_back BIGINT NOT NULL DEFAULT 0;

ALTER TABLE silence ADD COLUMN owner TEXT;

-- What was said and found, in the order in which that was. Rows are added, never changed; what becomes part of another takes its own along.
CREATE TABLE timeline (
    id          INTEGER PRIMARY KEY,
    kind        TEXT   NOT NULL,          -- 'incident', 'campaign' or 'silence'
    subject_id  BIGINT NOT NULL,          -- its row there
    at          BIGINT NOT NULL,          -- when it was so
    learnt_at   BIGINT NOT NULL,          -- when it was said or found here
    who         TEXT,                     -- none = the collector
    for_members BIGINT NOT NULL,          -- 1: the member concerned may read it; 0: the CSIRT alone
    body        TEXT   NOT NULL           -- JSON: what
);
CREATE INDEX timeline_by_subject ON timeline (kind, subject_id, id);

UPDATE incident SET campaign_since = opened_at WHERE campaign_id IS NOT NULL;
-- How far what is there has got is told as its first sighting; from now on each stage is.
UPDATE incident SET reached = (SELECT MAX(s.evidence) FROM strand s WHERE s.incident_id = incident.id);
