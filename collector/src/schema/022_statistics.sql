-- What is left of alerts once these are older than is kept: numbers, never with a host.

CREATE TABLE daily_count (
    member_id BIGINT NOT NULL REFERENCES member (id),
    day       BIGINT NOT NULL,         -- in Norway, as its beginning by UTC
    kind      TEXT   NOT NULL,         -- of the indicator: domain, host, ipv4, …
    severity  BIGINT NOT NULL,         -- 0 info … 4 critical
    alerts    BIGINT NOT NULL,
    sightings BIGINT NOT NULL,
    PRIMARY KEY (member_id, day, kind, severity)
);

CREATE INDEX alert_by_update ON alert (updated_at);
