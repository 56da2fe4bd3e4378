-- The brake: orders by which indicators are counted only, what they held and hold, how each sensor stands to them, and what was
-- counted in place of alerts.

-- Every order given, as it was signed; sensors take the newest and none before it.
CREATE TABLE brake_order (
    number   INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    given_at BIGINT  NOT NULL
);

-- One indicator held for one reason.
CREATE TABLE brake (
    id           INTEGER PRIMARY KEY,
    indicator_id BIGINT  NOT NULL REFERENCES indicator (id),
    exercise     INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    since        BIGINT  NOT NULL,
    until        BIGINT  NOT NULL,
    from_order   BIGINT  NOT NULL,   -- counts by this order and later ones are its own ...
    last_order   BIGINT,             -- ... up to this one; none = it was neither released nor ordered anew
    ended_at     BIGINT              -- when that was
);
CREATE INDEX brake_by_indicator ON brake (indicator_id, exercise);

-- What each sensor last said of it.
CREATE TABLE sensor_brake (
    sensor_id   BIGINT PRIMARY KEY REFERENCES sensor (id),
    number      BIGINT NOT NULL,     -- the newest it has taken; 0 = none
    taken_at    BIGINT,              -- by its clock
    refused_at  BIGINT,              -- when it last refused one; none since it took one
    refused_why TEXT
);

-- Matches that made no alert.
CREATE TABLE braked_count (
    sensor_id    BIGINT  NOT NULL REFERENCES sensor (id),
    site         INTEGER NOT NULL,
    member_id    BIGINT  NOT NULL REFERENCES member (id),
    indicator_id BIGINT  NOT NULL REFERENCES indicator (id),
    exercise     INTEGER NOT NULL,
    direction    TEXT    NOT NULL,
    brake_order  BIGINT  NOT NULL,
    evidence     INTEGER NOT NULL,   -- 0 blocked ... 5 data_out: the furthest
    count        BIGINT  NOT NULL,
    hosts        BIGINT  NOT NULL,   -- about, the most that were told
    first_seen   BIGINT  NOT NULL,
    last_seen    BIGINT  NOT NULL,
    arrived_at   BIGINT  NOT NULL,   -- the last
    PRIMARY KEY (sensor_id, brake_order, indicator_id, exercise, site, direction)
);
CREATE INDEX braked_count_by_indicator ON braked_count (indicator_id, exercise, brake_order);
