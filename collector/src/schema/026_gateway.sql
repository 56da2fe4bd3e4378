-- Guards may be about one host of a member (kind 'host', value 'MEMBER HOST', in exercises 'MEMBER HOST exercise'): a gateway, which joins
-- nothing any more. It is the member's own, and goes with it and with the last alert of that host.

ALTER TABLE guard ADD COLUMN member_id BIGINT REFERENCES member (id);
ALTER TABLE guard ADD COLUMN host TEXT;
CREATE INDEX guard_by_member ON guard (member_id) WHERE member_id IS NOT NULL;
