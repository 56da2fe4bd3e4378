-- A session that a one-time link began may choose another password without the old one, once.
ALTER TABLE page_session ADD COLUMN recovers INTEGER NOT NULL DEFAULT 0;
