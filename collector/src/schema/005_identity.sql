-- Sensors' keys over time: certificates that are renewed, sensors that wait for approval, those that take another's place.

ALTER TABLE sensor ADD COLUMN certificate_until BIGINT;        -- end of the certificate its key last proved itself with, or was given
ALTER TABLE sensor ADD COLUMN spki_next_sha256 BLOB;           -- key of a certificate that was given and not used yet: honoured beside spki_sha256 until it is
ALTER TABLE sensor ADD COLUMN certificate_next_until BIGINT;
ALTER TABLE sensor ADD COLUMN spki_before_sha256 BLOB;         -- the key that ended when the next one was used: never honoured, known when it comes
ALTER TABLE sensor ADD COLUMN renewed_at BIGINT;               -- when a certificate was last given in place of another
ALTER TABLE sensor ADD COLUMN renewals_from BIGINT;            -- begin of the day in which renewals are counted
ALTER TABLE sensor ADD COLUMN renewals BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sensor ADD COLUMN renewal_refused_at BIGINT;
ALTER TABLE sensor ADD COLUMN renewal_refused_why TEXT;
ALTER TABLE sensor ADD COLUMN pending_at BIGINT;               -- its token was good, and it waits for a person's approval
ALTER TABLE sensor ADD COLUMN pending_spki_sha256 BLOB;        -- the key that waits; no other may use the token any more
ALTER TABLE sensor ADD COLUMN approved_at BIGINT;
ALTER TABLE sensor ADD COLUMN replaces BIGINT;                 -- number of the sensor whose place it takes once it is enrolled

CREATE INDEX sensor_by_key ON sensor (spki_sha256);
CREATE INDEX sensor_by_next_key ON sensor (spki_next_sha256);
