-- What keeps guilds fair to each other: a limit of changes, storage limits that are announced, and indexes for statements that
-- jobs run every few seconds or at every start, and that read the whole tables of all guilds without them.

-- What people and API keys changed in a guild on one day. Records of that are never deleted early, so they need a limit.
CREATE TABLE daily_changes (
    guild_id BIGINT  PRIMARY KEY,
    day      BIGINT  NOT NULL, -- days since 1970 in UTC
    changes  INTEGER NOT NULL
);

ALTER TABLE guild_usage ADD COLUMN announced_at BIGINT; -- when the guild was notified of its bound; NULL: not yet

-- By kind first: a token that Discord accepts again asks for the incidents of a kind in all guilds.
DROP INDEX idx_incidents_kind;
CREATE INDEX idx_incidents_kind ON incidents (kind, guild_id, joined_at) WHERE kind <> 'incident';

-- The incidents whose probable cause is still sought.
CREATE INDEX idx_incidents_young ON incidents (joined_at) WHERE ended_at IS NULL;

-- The outages whose notification waits for the end of a silence.
CREATE INDEX idx_outages_held ON outages (guild_id) WHERE ended_at IS NULL AND is_held = 1;

-- The endpoints that have failed lately, of all guilds.
CREATE INDEX idx_monitors_failing ON monitors (since) WHERE kind = 'endpoint' AND status IN ('warning', 'offline');

-- With the kind, so that counting the endpoints by status reads no monitor.
DROP INDEX idx_monitors_status;
CREATE INDEX idx_monitors_status ON monitors (guild_id, status, since, kind);
