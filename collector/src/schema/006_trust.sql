-- What sensors trust: root documents that followed one another, how each sensor stands to them, and a list that waits for its
-- signature.

-- Every root document that was in force here, as it was signed; root.json is the newest.
CREATE TABLE root_document (
    version  INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    expires  BIGINT  NOT NULL,
    kept_at  BIGINT  NOT NULL
);

ALTER TABLE sensor ADD COLUMN root_version BIGINT;       -- root document in force there, by its own word
ALTER TABLE sensor ADD COLUMN root_refused_at BIGINT;    -- when it last refused one; none since it took one
ALTER TABLE sensor ADD COLUMN root_refused_why TEXT;
ALTER TABLE sensor ADD COLUMN freshness TEXT;            -- not_told, fresh, stale or behind; none = its version says nothing of it
ALTER TABLE sensor ADD COLUMN newest_told_at BIGINT;     -- the time in the newest word it has of which list is the newest
ALTER TABLE sensor ADD COLUMN newest_refused_at BIGINT;  -- when it last did not believe one; none since it believed one
ALTER TABLE sensor ADD COLUMN newest_refused_why TEXT;

-- The one list that waits for a signature (duty key).
CREATE TABLE pending_list (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    revision    BIGINT NOT NULL,
    manifest    BLOB   NOT NULL,         -- signed JSON without signatures
    base        BLOB   NOT NULL,
    up_to_id    BIGINT NOT NULL,         -- indicators up to this number are in it
    count       BIGINT NOT NULL,
    added       BIGINT NOT NULL,         -- beside the list in force
    removed     BIGINT NOT NULL,
    prepared_at BIGINT NOT NULL
);
