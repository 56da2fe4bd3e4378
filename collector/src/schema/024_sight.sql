-- How much of its network a sensor sees, by its own word.

ALTER TABLE sensor ADD COLUMN sight TEXT;   -- JSON: whose words it heard, what its settings leave out and what of that was accepted; none = it never said

-- Which of the operator's lists there are, without what they hold: asked with every batch.
CREATE INDEX warninglist_by_age ON warninglist (name, added_at);
