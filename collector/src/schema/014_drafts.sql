-- Drafts that were looked through, lists on their way from the pilot group to all, and indicators that were recalled.

-- Who has looked a draft through. A draft is known by the hash of what it holds: another draft, another name.
CREATE TABLE draft_review (
    id     INTEGER PRIMARY KEY,
    draft  TEXT    NOT NULL,
    who    TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    at     BIGINT  NOT NULL
);
CREATE INDEX draft_review_by_draft ON draft_review (draft);

-- Indicators kept out of every list until somebody lifts it, whatever sources say.
CREATE TABLE recall (
    id           INTEGER PRIMARY KEY,
    indicator_id BIGINT  NOT NULL REFERENCES indicator (id),
    reason       TEXT    NOT NULL,
    who          TEXT    NOT NULL,
    at           BIGINT  NOT NULL,
    by_itself    BIGINT  NOT NULL,   -- 1 = the collector did, because it hit too much
    lifted_at    BIGINT,
    lifted_by    TEXT,
    lifted_why   TEXT
);
CREATE UNIQUE INDEX recall_standing ON recall (indicator_id) WHERE lifted_at IS NULL;

-- A list on its way: to the pilot group first, then to all.
CREATE TABLE rollout (
    id             INTEGER PRIMARY KEY,
    draft          TEXT    NOT NULL,   -- hash of what the list holds
    count          BIGINT  NOT NULL,
    base           BLOB    NOT NULL,   -- the list as a file, until it is over
    added          BLOB    NOT NULL,   -- numbers of the indicators that no list for all had, 8 octets each, big-endian, in order
    up_to_id       BIGINT  NOT NULL,   -- indicators up to this number are in it
    with_red       BIGINT  NOT NULL,
    shrinks        BIGINT  NOT NULL,   -- somebody has said that it may hold much less
    who            TEXT    NOT NULL,
    prepared_at    BIGINT  NOT NULL,
    pilot_revision BIGINT  NOT NULL,   -- its number at the pilot group
    urgent_why     TEXT,               -- why it went to everybody at once; none = it did not, and pilot_revision is the group's
    all_revision   BIGINT,             -- and for all; none = not yet
    all_at         BIGINT,
    ended_at       BIGINT,
    ended_why      TEXT,               -- done, stopped, superseded, unwatched
    stopped_on     BIGINT REFERENCES indicator (id),
    stopped_why    TEXT,
    passed_at      BIGINT              -- of one that was stopped: since when somebody has published after it, or has let in what stopped it
);
CREATE INDEX alert_by_revision ON alert (revision, indicator_id);
