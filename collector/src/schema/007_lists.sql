-- Lists that shrink on somebody's word: sensors whose program cannot read a manifest that says so get one of its form.

ALTER TABLE list_revision ADD COLUMN older_manifest BLOB;   -- the same list, signed, for programs from before; none = they can read the other
ALTER TABLE pending_list ADD COLUMN older_manifest BLOB;    -- the same of the list that waits, without signatures
