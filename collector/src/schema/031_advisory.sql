-- Advisories: what the CSIRT writes to members, who got and read it, what they answered; the mail that says that there is one; and measures
-- as the operator words them.

CREATE TABLE advisory (
    id            INTEGER PRIMARY KEY,
    uuid          TEXT   NOT NULL UNIQUE,     -- random: how members name it
    campaign_id   BIGINT,                     -- what it is about, by its number when it was written; none = nothing we know
    tlp           TEXT   NOT NULL,
    audience      TEXT   NOT NULL,            -- campaign, all or chosen
    state         TEXT   NOT NULL,            -- draft, sent or withdrawn
    version       BIGINT NOT NULL,            -- 1, and one more for each correction
    corrects      BIGINT REFERENCES advisory (id),   -- the version before
    evidence      BIGINT,                     -- of its campaign when its measures were proposed; none = not known
    written_by    TEXT   NOT NULL,
    written_at    BIGINT NOT NULL,
    changed_at    BIGINT NOT NULL,            -- of a draft when it was last changed
    sent_by       TEXT,
    sent_at       BIGINT,
    withdrawn_by  TEXT,
    withdrawn_at  BIGINT,
    withdrawn_why TEXT
);
CREATE UNIQUE INDEX advisory_corrected ON advisory (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX advisory_by_campaign ON advisory (campaign_id) WHERE campaign_id IS NOT NULL;

-- What it says. Rows of what was sent are never changed.
CREATE TABLE advisory_text (
    advisory_id BIGINT NOT NULL REFERENCES advisory (id),
    language    TEXT   NOT NULL,              -- nb, nn or en
    title       TEXT   NOT NULL,
    body        TEXT   NOT NULL,
    PRIMARY KEY (advisory_id, language)
);

-- Which measures it names, in their order; from when it was sent on with the words they had then.
CREATE TABLE advisory_measure (
    advisory_id BIGINT NOT NULL REFERENCES advisory (id),
    place       BIGINT NOT NULL,
    key         TEXT   NOT NULL,
    words       TEXT,                         -- JSON in three languages; none = it is a draft
    PRIMARY KEY (advisory_id, key)
);

-- Who gets it. Of a draft those that were chosen.
CREATE TABLE advisory_recipient (
    advisory_id BIGINT NOT NULL REFERENCES advisory (id),
    member_id   BIGINT NOT NULL REFERENCES member (id),
    sent_at     BIGINT,                       -- none = it is a draft
    evidence    BIGINT,                       -- how far the campaign had come there then
    read_at     BIGINT,
    read_by     TEXT,
    called_at   BIGINT,                       -- somebody has told them by telephone
    called_by   TEXT,
    PRIMARY KEY (advisory_id, member_id)
);
CREATE INDEX advisory_recipient_by_member ON advisory_recipient (member_id);

CREATE TABLE advisory_answer (
    id          INTEGER PRIMARY KEY,
    advisory_id BIGINT NOT NULL REFERENCES advisory (id),
    member_id   BIGINT NOT NULL REFERENCES member (id),
    at          BIGINT NOT NULL,
    who         TEXT   NOT NULL,
    answer      TEXT   NOT NULL,              -- not-affected, affected, need-help, measure-done or words
    measure     TEXT,                         -- of measure-done: its key
    text        TEXT                          -- in their own words
);
CREATE INDEX advisory_answer_by_advisory ON advisory_answer (advisory_id, member_id);

-- Mail that waits, was sent or was given up. To whom it goes is read from the profile when it is sent.
CREATE TABLE mail (
    id           INTEGER PRIMARY KEY,
    advisory_id  BIGINT NOT NULL REFERENCES advisory (id),
    member_id    BIGINT NOT NULL REFERENCES member (id),
    role         TEXT   NOT NULL,             -- of the contact
    occasion     TEXT   NOT NULL,             -- sent, corrected or withdrawn
    message_id   TEXT   NOT NULL UNIQUE,      -- the same at every try, so that a mail that is sent twice is one
    queued_at    BIGINT NOT NULL,
    tries        BIGINT NOT NULL DEFAULT 0,
    next_at      BIGINT NOT NULL,             -- not before
    sent_at      BIGINT,
    given_up_at  BIGINT,
    failed_why   TEXT,                        -- of the last try, or why it is not sent at all
    UNIQUE (advisory_id, member_id, role, occasion)
);
CREATE INDEX mail_due ON mail (next_at) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX mail_by_member ON mail (member_id);

-- Members whose mail may be read by others («mulig kompromittert e-post»): they get none.
CREATE TABLE mail_distrusted (
    member_id BIGINT PRIMARY KEY REFERENCES member (id),
    at        BIGINT NOT NULL,
    who       TEXT   NOT NULL,
    why       TEXT   NOT NULL
);

-- Measures as the operator words them, each version once; the newest of a measure and a language is in force. Who wrote it is in the audit.
CREATE TABLE measure_wording (
    id       INTEGER PRIMARY KEY,
    key      TEXT   NOT NULL,
    language TEXT   NOT NULL,
    words    TEXT,                            -- JSON; none = as the program brings it again
    at       BIGINT NOT NULL
);
CREATE INDEX measure_wording_by_key ON measure_wording (key, language, id);
