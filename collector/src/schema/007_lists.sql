-- Lists that shrink on somebody's word: sensors whose program cannot read a manifest that says so get one of its form.

ALTER TABLE list_revision ADD COLUMN older_manifest BLOB;   -- the same list, signed, for programs from before; none = they can read the other
ALTER TABLE pending_list ADD COLUMN older_manifest BLOB;    -- the same of the list that waits, without signatures

-- Channels: for whom a list is, and which of them a sensor follows.
ALTER TABLE list_revision ADD COLUMN channel TEXT NOT NULL DEFAULT 'all';
ALTER TABLE pending_list ADD COLUMN channel TEXT NOT NULL DEFAULT 'all';
ALTER TABLE sensor ADD COLUMN channel TEXT NOT NULL DEFAULT 'all';   -- the one it is to follow
ALTER TABLE sensor ADD COLUMN channel_word BLOB;                     -- the signed word that says so; none = it never was another
ALTER TABLE sensor ADD COLUMN channel_at BIGINT;                     -- the time in it
ALTER TABLE sensor ADD COLUMN follows TEXT;                          -- the one it follows, by its own word; none = its version says nothing of it
ALTER TABLE sensor ADD COLUMN channel_refused_why TEXT;              -- why it last did not follow such a word; none since it did

-- Changes over a base that sensors have already: the base stands in the row of the list it was compiled for. A list's own column
-- base holds all of it, for programs that know of no changes.
ALTER TABLE list_revision ADD COLUMN overlay BLOB;             -- none = the list is its base
ALTER TABLE list_revision ADD COLUMN base_revision BIGINT;     -- the list whose base the changes are over
ALTER TABLE pending_list ADD COLUMN overlay BLOB;
ALTER TABLE pending_list ADD COLUMN base_revision BIGINT;
