-- People's accounts, their sessions and one-time links, and tokens of screens and programs.

CREATE TABLE account (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,   -- in small letters
    role        TEXT    NOT NULL,
    member_id   BIGINT  REFERENCES member (id),   -- of a role at a member
    language    TEXT,              -- nb, nn or en; none = the member's
    password    TEXT,              -- Argon2id, as a PHC string; none = none chosen yet
    totp        BLOB,              -- the second factor's secret, 20 octets
    totp_step   BIGINT  NOT NULL DEFAULT 0,   -- the newest step whose code was taken: none is taken twice
    added_at    BIGINT  NOT NULL,
    disabled_at BIGINT,
    last_in_at  BIGINT
);
CREATE INDEX account_by_member ON account (member_id);

-- Codes for who has lost the second factor: each goes when it is used.
CREATE TABLE recovery_code (
    id         INTEGER PRIMARY KEY,
    account_id BIGINT  NOT NULL REFERENCES account (id),
    sha256     BLOB    NOT NULL
);
CREATE INDEX recovery_code_by_account ON recovery_code (account_id);

CREATE TABLE page_session (
    id         INTEGER PRIMARY KEY,
    account_id BIGINT  NOT NULL REFERENCES account (id),
    sha256     BLOB    NOT NULL UNIQUE,   -- of its name, which the browser has
    began_at   BIGINT  NOT NULL,
    seen_at    BIGINT  NOT NULL,   -- to the minute
    program    TEXT    NOT NULL    -- what the browser says it is, so that its owner knows it again
);
CREATE INDEX page_session_by_account ON page_session (account_id);

-- Links that are good once.
CREATE TABLE page_link (
    id         INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL,   -- first, invitation, sign-in
    account_id BIGINT  REFERENCES account (id),   -- none of the first
    sha256     BLOB    NOT NULL UNIQUE,
    until      BIGINT  NOT NULL
);

-- What programs read with, and screens on walls.
CREATE TABLE page_token (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    role         TEXT    NOT NULL,
    member_id    BIGINT  REFERENCES member (id),
    sha256       BLOB    NOT NULL UNIQUE,
    added_at     BIGINT  NOT NULL,
    until        BIGINT,
    last_used_at BIGINT              -- to the hour
);
CREATE INDEX page_token_by_member ON page_token (member_id);
