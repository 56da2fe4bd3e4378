-- What keeps sensors from seeing or from being heard: operational incidents, apart from security ones.

CREATE TABLE silence (
    id        INTEGER PRIMARY KEY,
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),   -- whose it is says at which member
    kind      TEXT   NOT NULL,          -- unheard, deaf, …
    began_at  BIGINT NOT NULL,          -- since when it was so
    found_at  BIGINT NOT NULL,          -- when that was found here
    last_at   BIGINT NOT NULL,          -- when it was last found to be so
    ended_at  BIGINT,                   -- when it was over; none = it stands
    ended_why TEXT,
    times     BIGINT NOT NULL,          -- how often it began, within minutes each
    facts     TEXT   NOT NULL           -- JSON: the worst there was
);
CREATE UNIQUE INDEX silence_standing ON silence (sensor_id, kind) WHERE ended_at IS NULL;
CREATE INDEX silence_by_sensor ON silence (sensor_id, began_at);
CREATE INDEX silence_by_end ON silence (ended_at);
