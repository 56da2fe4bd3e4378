-- What analysts make of the lists: what they have acknowledged and hidden, how what they did is undone, what they saved, and up to when they
-- have looked.

-- By indicator and member: what came there up to then, and got no further there, somebody has looked at.
CREATE TABLE acknowledged (
    indicator_id BIGINT NOT NULL REFERENCES indicator (id),
    member_id    BIGINT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    up_to        BIGINT NOT NULL,          -- alert.id: what came later is new again
    evidence     BIGINT NOT NULL,          -- how far it had got; what gets further is new again
    who          TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (indicator_id, member_id)
);
CREATE INDEX acknowledged_by_member ON acknowledged (member_id);

-- Hidden for a time: what an indicator meets, everywhere or at one member, as far as it had got there then.
CREATE TABLE muted (
    id           INTEGER PRIMARY KEY,
    indicator_id BIGINT NOT NULL REFERENCES indicator (id),
    member_id    BIGINT REFERENCES member (id),   -- none = at every member
    evidence     BIGINT NOT NULL,          -- what gets further is shown all the same
    reason       TEXT   NOT NULL,
    author       TEXT   NOT NULL,
    given_at     BIGINT NOT NULL,
    until        BIGINT NOT NULL,
    ended_at     BIGINT,
    ended_by     TEXT
);
CREATE INDEX muted_by_indicator ON muted (indicator_id);
-- Of what is hidden everywhere: how far it had got at each member that had met it. Where none had, `muted.evidence` counts.
CREATE TABLE muted_at (
    muted_id  BIGINT NOT NULL REFERENCES muted (id) ON DELETE CASCADE,
    member_id BIGINT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    evidence  BIGINT NOT NULL,
    PRIMARY KEY (muted_id, member_id)
);
CREATE INDEX muted_at_by_member ON muted_at (member_id);

-- Deeds of late, each with what was before it.
CREATE TABLE triage (
    id        INTEGER PRIMARY KEY,
    what      TEXT   NOT NULL,
    who       TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    before    TEXT   NOT NULL,             -- JSON: what each thing was
    undone_at BIGINT,
    undone_by TEXT
);

CREATE TABLE saved_view (
    id       INTEGER PRIMARY KEY,
    owner    TEXT   NOT NULL,              -- whose it is; may change and delete it
    shared   BIGINT NOT NULL,              -- 1: all analysts have it
    list     TEXT   NOT NULL,              -- 'alerts', 'incidents' or 'campaigns'
    name     TEXT   NOT NULL,
    filter   TEXT   NOT NULL,              -- tokens
    quick    TEXT   NOT NULL,              -- the range: 1t, 24t, 7d or 30d
    saved_at BIGINT NOT NULL,
    UNIQUE (owner, name)
);

-- Up to when somebody has looked at the overview.
CREATE TABLE last_look (
    who TEXT PRIMARY KEY,
    at  BIGINT NOT NULL,                   -- now
    was BIGINT NOT NULL                    -- and the time before, which 'new since then' counts from
);

-- The alerts of a range by when they were seen, with what they are grouped and filtered by: a page reads no more of them than this.
CREATE INDEX alert_by_sight ON alert (last_seen, indicator_id, member_id, evidence, severity, exercise, verdict) WHERE retro = 0;
-- What was found in history counts by when it was found.
CREATE INDEX alert_in_history ON alert (arrived_at, indicator_id, member_id, evidence, severity, exercise, verdict, retro) WHERE retro <> 0;
-- Incidents and campaigns by how much they matter.
CREATE INDEX incident_by_priority ON incident (state, word, last_seen);
CREATE INDEX campaign_by_priority ON campaign (state, word, last_seen);
