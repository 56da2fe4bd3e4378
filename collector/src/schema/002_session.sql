-- Version 2 of the conversation: marks by which copied and restored sensors are known, and what came again.

ALTER TABLE sensor ADD COLUMN protocol BIGINT;                          -- version spoken in the last session
ALTER TABLE sensor ADD COLUMN replayed BIGINT NOT NULL DEFAULT 0;       -- records that came again and were not stored twice
ALTER TABLE sensor ADD COLUMN passed_over BIGINT NOT NULL DEFAULT 0;    -- messages of kinds not known here, or too many
ALTER TABLE sensor ADD COLUMN set_back_at BIGINT;                       -- last time an older state of it came
ALTER TABLE sensor ADD COLUMN quarantined_at BIGINT;                    -- two live with its identity: neither is heard
ALTER TABLE sensor ADD COLUMN renew_epoch BIGINT NOT NULL DEFAULT 0;    -- 1: it is to begin a new spool when it comes

-- The marks given to a sensor, the newest few: one each session.
CREATE TABLE sensor_mark (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    number    BIGINT NOT NULL,             -- 1, 2, 3 …
    mark      TEXT   NOT NULL,             -- 32 hex digits
    follows   BIGINT,                      -- number of the mark the sensor said when it was given this one
    given_at  BIGINT NOT NULL,
    PRIMARY KEY (sensor_id, number)
);
