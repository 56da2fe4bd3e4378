-- Which measures of an advisory somebody named: those stand as planned with every incident it is about, the others where they are proposed.

ALTER TABLE advisory_measure ADD COLUMN chosen BIGINT NOT NULL DEFAULT 0;   -- 1 = somebody named it; 0 = it was proposed for the campaign
