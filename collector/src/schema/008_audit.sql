-- What was done here, by whom, on whom: each entry's hash is over the hash of the one before and over itself, so that none can be
-- changed, removed or moved unseen (`collector/src/audit.rs`).
CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,   -- from 1, without gaps
    at       BIGINT NOT NULL,
    who      TEXT   NOT NULL,       -- user of the system, or a part of the program
    what     TEXT   NOT NULL,       -- the command
    on_whom  TEXT   NOT NULL,
    members  TEXT   NOT NULL,       -- numbers of the members it concerns, each between spaces; * = all of them
    was      TEXT   NOT NULL,       -- before, in words
    became   TEXT   NOT NULL,       -- after, in words
    cut_seq  BIGINT,                -- of a checkpoint: entries up to this one were removed, being older than is kept
    cut_hash BLOB,                  -- and this was the hash of the last of them
    hash     BLOB   NOT NULL        -- SHA-256
);
CREATE INDEX audit_cut ON audit (cut_seq) WHERE cut_seq IS NOT NULL;
