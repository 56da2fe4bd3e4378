-- The life cycle of members: what is known of each, numbers that change, members that join and that leave; and which sites a
-- sensor says it reports for.

ALTER TABLE member ADD COLUMN language TEXT NOT NULL DEFAULT 'neutral';  -- bokmaal, nynorsk or neutral
ALTER TABLE member ADD COLUMN covered BIGINT;                            -- by digitalsikkerhetsloven: 1, 0; null = not known
ALTER TABLE member ADD COLUMN supplier TEXT;                             -- the shared network it is behind; null = none
CREATE INDEX member_by_supplier ON member (supplier) WHERE supplier IS NOT NULL;

-- Numbers that were given up, and whose they were called by: each leads on to the member that goes on.
CREATE TABLE former_number (
    number    TEXT   PRIMARY KEY,
    member_id BIGINT NOT NULL REFERENCES member (id),
    name      TEXT   NOT NULL,             -- what the member with this number was called
    until     BIGINT NOT NULL
);
CREATE INDEX former_number_by_member ON former_number (member_id);

-- Members that are part of another now. Whoever deletes that one's data deletes theirs too, in a backup from before as well.
CREATE TABLE joined_member (
    id        BIGINT NOT NULL,             -- its row in member; with added_at no other member ever was it
    added_at  BIGINT NOT NULL,
    into_id   BIGINT NOT NULL REFERENCES member (id),
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (id, added_at)
);
CREATE INDEX joined_member_by_into ON joined_member (into_id);

CREATE TABLE member_contact (
    member_id    BIGINT NOT NULL REFERENCES member (id),
    role         TEXT   NOT NULL,          -- it, security, oncall, management or privacy
    name         TEXT   NOT NULL,
    telephone    TEXT,                     -- +4722000000, or a short number of three to six digits
    out_of_hours TEXT,
    email        TEXT,
    confirmed_at BIGINT,                   -- when somebody last found it to be right
    PRIMARY KEY (member_id, role)
);

CREATE TABLE member_domain (
    member_id BIGINT NOT NULL REFERENCES member (id),
    domain    TEXT   NOT NULL,
    PRIMARY KEY (member_id, domain)
);

CREATE TABLE member_network (
    member_id BIGINT NOT NULL REFERENCES member (id),
    network   TEXT   NOT NULL,             -- public, CIDR
    PRIMARY KEY (member_id, network)
);

-- Members that have left: by row and time alone, so that an older backup is known to hold them; no number and no name.
CREATE TABLE departure (
    member_id BIGINT NOT NULL,
    added_at  BIGINT NOT NULL,
    left_at   BIGINT NOT NULL,
    PRIMARY KEY (member_id, added_at)
);

-- 1: the sensor's last Hello named this site, so that it watches it. Only what stands in this table is believed.
ALTER TABLE site ADD COLUMN named BIGINT NOT NULL DEFAULT 0;

-- Members that were hit and have left: a number, and nothing else of them.
ALTER TABLE campaign ADD COLUMN departed BIGINT NOT NULL DEFAULT 0;
