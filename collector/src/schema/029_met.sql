-- Whether the host itself was seen to meet it, by a question or a greeting of its own; else only a flow to an address to which a name led that
-- another looked up. What it never met itself is put together by the host only where that address is rare.

ALTER TABLE alert ADD COLUMN met_itself BIGINT NOT NULL DEFAULT 1;
UPDATE alert SET met_itself = 0 WHERE looked_up_by_other <> 0;
