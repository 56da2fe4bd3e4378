-- What of a MISP event was served, so that those who read it are told what is there no more; and when what is said of an indicator changed.

ALTER TABLE feed_piece ADD COLUMN info TEXT;   -- what the event is called; none of what is no event
ALTER TABLE feed_piece ADD COLUMN live BLOB;   -- numbers of indicators, 8 octets each, the first first
ALTER TABLE feed_piece ADD COLUMN gone BLOB;   -- a number and since when (microseconds), 8 octets each

ALTER TABLE indicator ADD COLUMN changed_at BIGINT;   -- since when what its claims come to is as it is; none = since it was received
ALTER TABLE indicator_before ADD COLUMN changed_at BIGINT;
