-- What people concluded of alerts and what that says of sources; who outside Varde may read the list; what is told to sources.

ALTER TABLE alert ADD COLUMN verdict TEXT;            -- false-positive, legitimate or confirmed; none = nobody has said
ALTER TABLE alert ADD COLUMN verdict_reason TEXT;
ALTER TABLE alert ADD COLUMN verdict_at BIGINT;
ALTER TABLE alert ADD COLUMN judgement_id BIGINT;     -- what it counts as beside

-- What a verdict says of an indicator and of those that named it: outlives the alert, and names neither it nor its member.
CREATE TABLE judgement (
    id           INTEGER PRIMARY KEY,
    indicator_id BIGINT NOT NULL REFERENCES indicator (id),
    verdict      TEXT   NOT NULL,
    exercise     BIGINT NOT NULL,
    at           BIGINT NOT NULL
);
CREATE INDEX judgement_by_indicator ON judgement (indicator_id);

-- Who named it then.
CREATE TABLE judged_source (
    judgement_id BIGINT NOT NULL REFERENCES judgement (id),
    source_id    BIGINT NOT NULL REFERENCES source (id),
    PRIMARY KEY (judgement_id, source_id)
);
CREATE INDEX judged_source_by_source ON judged_source (source_id);

ALTER TABLE indicator ADD COLUMN refuted_at BIGINT;   -- since when it is a false positive by a person's word; no claim revives it
ALTER TABLE claim ADD COLUMN refuted_at BIGINT;       -- withdrawn by that word, and stands again where it is taken back

ALTER TABLE allowed ADD COLUMN by_verdict BIGINT NOT NULL DEFAULT 0;   -- a false positive put it there: it goes with that

-- Which of its indicators a source is told about, and where: MISP servers that were named for that, no others.
CREATE TABLE sighting_target (
    source_id BIGINT PRIMARY KEY REFERENCES source (id),
    url       TEXT   NOT NULL,
    key_file  TEXT   NOT NULL,   -- the file with the server's key; the key itself is not in the database
    ca_file   TEXT,              -- CA certificates by which the server is believed; none = the system's
    added_at  BIGINT NOT NULL
);

-- What is to be said there of its own attributes.
CREATE TABLE sighting (
    id           INTEGER PRIMARY KEY,
    source_id    BIGINT NOT NULL REFERENCES source (id),
    judgement_id BIGINT NOT NULL,     -- the verdict that says so; gone where that was taken back
    object_id    TEXT   NOT NULL,     -- what the source calls the object
    kind         BIGINT NOT NULL,     -- 0 seen and confirmed, 1 false positive
    at           BIGINT NOT NULL,     -- of the verdict
    tries        BIGINT NOT NULL DEFAULT 0,
    next_at      BIGINT NOT NULL,     -- not before
    sent_at      BIGINT,
    given_up_at  BIGINT,
    failed_why   TEXT,
    UNIQUE (source_id, judgement_id, object_id)
);
CREATE INDEX sighting_due ON sighting (next_at) WHERE sent_at IS NULL AND given_up_at IS NULL;

-- Firewalls, resolvers and servers that read the list over HTTPS.
CREATE TABLE reader (
    id           INTEGER PRIMARY KEY,
    name         TEXT   NOT NULL,
    tlp          BIGINT NOT NULL,     -- up to this: 0 clear, 1 green, 2 amber, 3 amber+strict
    member_id    BIGINT REFERENCES member (id),   -- whose it is; none = the operator's own, or a partner's
    own          BIGINT NOT NULL,     -- the operator's own organisation
    in_path      BIGINT NOT NULL,     -- its token may stand in the path
    token_sha256 BLOB   NOT NULL,
    added_at     BIGINT NOT NULL,
    until        BIGINT,              -- good until then
    removed_at   BIGINT,
    last_read_at BIGINT               -- to the hour
);

-- Versions of what is served, so that a number rises where the content is another, and only then.
CREATE TABLE feed_piece (
    level   BIGINT NOT NULL,          -- the reader's TLP
    name    TEXT   NOT NULL,
    content BLOB   NOT NULL,          -- BLAKE3
    version BIGINT NOT NULL,          -- of a zone its serial, of an event its time in seconds
    PRIMARY KEY (level, name)
);

-- Goes up with every change of what is said of indicators, so that what is served is made anew.
CREATE TABLE indicator_change (
    id     INTEGER PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO indicator_change (id, number) VALUES (1, 1);
CREATE INDEX indicator_by_threat_name ON indicator (COALESCE(threat, ''), id);
