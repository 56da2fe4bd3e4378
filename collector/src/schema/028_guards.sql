-- Guards are told of by a number: what one is about may have blanks in it, or be marked for few.

ALTER TABLE guard ADD COLUMN id BIGINT;
UPDATE guard SET id = (SELECT COUNT(*) FROM guard g WHERE g.tripped_at < guard.tripped_at
    OR (g.tripped_at = guard.tripped_at AND (g.kind < guard.kind OR (g.kind = guard.kind AND g.value <= guard.value))));
CREATE UNIQUE INDEX guard_by_id ON guard (id);
-- What is to be weighed anew though the weights are the same: a member has left whose hits weighed with others'.
CREATE INDEX incident_behind ON incident (id) WHERE weights_version IS NULL;
CREATE INDEX campaign_behind ON campaign (id) WHERE weights_version IS NULL;
