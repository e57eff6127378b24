-- Pictures in Discord: the colors that a guild has chosen, and which messages of incidents have theirs.
ALTER TABLE guild_settings ADD COLUMN picture_theme TEXT CHECK (picture_theme IN ('dark', 'light')); -- NULL: dark
-- When members last read that Rollcall lacks the permission Attach Files.
ALTER TABLE guild_settings ADD COLUMN attach_files_remark_at BIGINT;
-- 1: the picture of the resolved incident was attached, or is not going to be. Later edits keep what is attached.
ALTER TABLE deliveries ADD COLUMN has_picture INTEGER NOT NULL DEFAULT 0;
-- No pictures for what was resolved before.
UPDATE deliveries SET has_picture = 1 WHERE incident_id IN (SELECT id FROM incidents WHERE ended_at IS NOT NULL);
