-- What each source says. An indicator is what its claims come to together; it lives for as long as one of them stands.
CREATE TABLE source (
    id          INTEGER PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,   -- a file's name, or what import --source says
    added_at    BIGINT NOT NULL,
    received_at BIGINT                    -- when something was last taken in from it
);

CREATE TABLE claim (
    id            INTEGER PRIMARY KEY,
    indicator_id  BIGINT NOT NULL REFERENCES indicator (id),
    source_id     BIGINT NOT NULL REFERENCES source (id),
    object_id     TEXT   NOT NULL,        -- what the source calls the object that says it; empty = a list without names
    modified_at   BIGINT,                 -- the object's version, by the source; an older one changes nothing
    threat        TEXT,                   -- this and what follows: none = it says nothing of it
    confidence    BIGINT,                 -- 0-100
    severity      BIGINT,                 -- 0 info … 4 critical
    tlp           BIGINT,                 -- 0 clear, 1 green, 2 amber, 3 amber+strict, 4 red; none counts as amber
    pap           BIGINT,                 -- 0 clear, 1 green, 2 amber, 3 red
    valid_from    BIGINT,
    valid_until   BIGINT,
    exercise      BIGINT,                 -- 1 it is part of one, 0 it is real; none counts as real
    details       TEXT,                   -- JSON: techniques, tags, measures, note
    object        TEXT,                   -- the object as the source sent it, for people
    received_at   BIGINT NOT NULL,        -- first said
    renewed_at    BIGINT NOT NULL,        -- last said
    withdrawn_at  BIGINT,                 -- when the source took it back, or was found wrong
    withdrawn_why TEXT,
    UNIQUE (source_id, object_id, indicator_id)
);
CREATE INDEX claim_indicator ON claim (indicator_id);

-- The newest version known of each object that has versions, or was taken back: whatever comes of an older one changes nothing.
CREATE TABLE object (
    source_id    BIGINT NOT NULL REFERENCES source (id),
    object_id    TEXT   NOT NULL,
    modified_at  BIGINT,                  -- by the source; none = it has said none
    withdrawn_at BIGINT,                  -- when this version was known to take the object back
    PRIMARY KEY (source_id, object_id)
) WITHOUT ROWID;

-- What sources say that no sensor can look for: hashes, paths, mail addresses. Kept for people.
CREATE TABLE clue (
    id          INTEGER PRIMARY KEY,
    source_id   BIGINT NOT NULL REFERENCES source (id),
    object_id   TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    value       TEXT   NOT NULL,
    tlp         BIGINT,
    received_at BIGINT NOT NULL,
    renewed_at  BIGINT NOT NULL,
    UNIQUE (source_id, object_id, kind, value)
);

ALTER TABLE indicator ADD COLUMN pap TEXT;             -- none = no source says
ALTER TABLE indicator ADD COLUMN withdrawn_at BIGINT;  -- since when no claim stands; it is in no list made after

INSERT INTO source (name, added_at, received_at)
SELECT source, MIN(received_at), MAX(received_at) FROM indicator GROUP BY source;
INSERT INTO claim (indicator_id, source_id, object_id, threat, confidence, severity, tlp, valid_from, valid_until, exercise,
    received_at, renewed_at)
SELECT n.id, s.id, '', n.threat, n.confidence, n.severity,
    CASE n.tlp WHEN 'TLP:CLEAR' THEN 0 WHEN 'TLP:GREEN' THEN 1 WHEN 'TLP:AMBER' THEN 2 WHEN 'TLP:AMBER+STRICT' THEN 3 ELSE 4 END,
    n.valid_from, n.valid_until, n.exercise, n.received_at, n.received_at
FROM indicator n JOIN source s ON s.name = n.source;
