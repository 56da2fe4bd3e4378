-- What a publication is held against: warninglists of the operator's own, what goes out in spite of lint, and what never goes out.
CREATE TABLE warninglist (
    name        TEXT   PRIMARY KEY,      -- that of a default one takes its place
    description TEXT   NOT NULL,
    version     TEXT   NOT NULL,
    kind        TEXT   NOT NULL,         -- cidr, string, hostname, substring or plain
    level       TEXT   NOT NULL,         -- annotate, warn, quarantine or block
    entries     TEXT   NOT NULL,         -- one a line
    entry_count BIGINT NOT NULL,
    unread      BIGINT NOT NULL,         -- entries that could not be compared and were left out
    author      TEXT   NOT NULL,
    added_at    BIGINT NOT NULL
);

CREATE TABLE lint_override (
    id       INTEGER PRIMARY KEY,
    pattern  TEXT   NOT NULL,            -- the indicator, as plain lists write it
    rules    TEXT   NOT NULL,            -- in spite of which rules, one a line; a new finding holds it again
    reason   TEXT   NOT NULL,
    author   TEXT   NOT NULL,
    given_at BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    ended_at BIGINT,                     -- ended by hand, or given anew
    ended_by TEXT
);
CREATE UNIQUE INDEX lint_override_standing ON lint_override (pattern) WHERE ended_at IS NULL;

CREATE TABLE allowed (
    id       INTEGER PRIMARY KEY,
    pattern  TEXT   NOT NULL,            -- as plain lists write it; what is below a name or within a network too
    reason   TEXT   NOT NULL,
    author   TEXT   NOT NULL,
    given_at BIGINT NOT NULL,
    until    BIGINT,                     -- none = until it is removed
    ended_at BIGINT,
    ended_by TEXT
);
CREATE UNIQUE INDEX allowed_standing ON allowed (pattern) WHERE ended_at IS NULL;
