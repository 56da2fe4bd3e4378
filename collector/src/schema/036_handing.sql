-- A mail is noted before it is handed over: where the collector ends, or cannot write, between that and the server's word, nobody knows
-- whether it was taken, and it is sent again by a person's word alone.

ALTER TABLE mail ADD COLUMN handing_at BIGINT;   -- it is being handed over since then, or was when nothing more could be noted
