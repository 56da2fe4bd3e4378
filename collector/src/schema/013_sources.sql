-- Sources that are fetched on a schedule. What they say stands in claims, as of any other source.
CREATE TABLE fetched_source (
    source_id    INTEGER PRIMARY KEY REFERENCES source (id),
    plan         TEXT   NOT NULL,      -- JSON: what its operator has said of it; no secret, but where one lies
    every_s      BIGINT NOT NULL,      -- how often
    added_at     BIGINT NOT NULL,
    paused_at    BIGINT,               -- its operator lets it rest since then
    resume       TEXT   NOT NULL,      -- JSON: what it said last of how far it has been read
    tried_at     BIGINT,
    failed_why   TEXT,                 -- why the last try failed; none = it did not
    failures     BIGINT NOT NULL,      -- since the last success
    left_alone_s BIGINT NOT NULL,      -- for so long after the last try it asked to be left alone
    succeeded_at BIGINT,
    entries      BIGINT,               -- indicators it has by the last success, where it says all of them
    had_entries  BIGINT,               -- and by the one before
    came         BIGINT,               -- new by the last success that brought anything
    went         BIGINT,               -- and withdrawn
    left_out     BIGINT,               -- and refused
    held_at      BIGINT,               -- what it says since then is suddenly so much less that it is not taken in
    held_why     TEXT
);
