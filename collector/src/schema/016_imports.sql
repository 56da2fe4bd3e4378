-- An import that is being taken in, page by page. Until it is whole no list, draft, feed or export is made of it; one that was cut off
-- goes on from here.
CREATE TABLE import_under_way (
    source_id    BIGINT PRIMARY KEY REFERENCES source (id),
    mark         TEXT   NOT NULL,      -- which gathered file it comes from
    at           BIGINT NOT NULL,      -- its time, by which what it says is told from what was said before
    keeps_unsaid BIGINT NOT NULL,      -- a list without columns: what an entry does not say stays as it was said
    is_all       BIGINT NOT NULL,      -- it is all that its source says
    step         BIGINT NOT NULL,      -- 0 entries, 1 words of objects, 2 clues, 3 groups of objects, 4 what is not said again
    done         BIGINT NOT NULL,      -- up to this row of the step
    came         BIGINT NOT NULL,      -- indicators that were not there
    known        BIGINT NOT NULL,
    outdated     BIGINT NOT NULL,
    went         BIGINT NOT NULL,      -- claims withdrawn
    changes      BIGINT NOT NULL       -- so much of the number in indicator_change is this import's
);

-- What indicators that were published came to before an import that is under way touched them: what is served meanwhile is this.
CREATE TABLE indicator_before (
    id           BIGINT PRIMARY KEY REFERENCES indicator (id),
    threat       TEXT,
    confidence   BIGINT NOT NULL,
    severity     BIGINT NOT NULL,
    tlp          TEXT   NOT NULL,
    pap          TEXT,
    valid_from   BIGINT,
    valid_until  BIGINT,
    exercise     BIGINT NOT NULL,
    withdrawn_at BIGINT
);

-- Beside 1, which is of what is in lists: goes up with every change and with every import that begins, for who reads page by page.
INSERT INTO indicator_change (id, number) VALUES (2, 1);
