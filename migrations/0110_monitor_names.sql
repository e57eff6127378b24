-- Names are unique among the monitors of one kind of a guild.

-- The name as it is compared: normalized and caseless. SQLite cannot compute that, so the program fills it in, at the start and
-- for every name that it stores. NULL: not yet.
ALTER TABLE monitors ADD COLUMN name_key TEXT;

-- It does not hold for rows without a key.
CREATE UNIQUE INDEX idx_monitors_name ON monitors (guild_id, kind, name_key);

-- Rows whose key is missing.
CREATE INDEX idx_monitors_without_key ON monitors (guild_id, kind, id) WHERE name_key IS NULL;
