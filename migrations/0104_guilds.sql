-- The guilds that the bot is in, or was in: when it is removed from one, its checks stop and its keys end.

-- A guild that was never seen on Discord has no row, and nothing of it stops.
CREATE TABLE guilds (
    guild_id       BIGINT PRIMARY KEY,
    name           TEXT,            -- as Discord last said it; NULL: it was never available
    application_id BIGINT NOT NULL, -- of the bot that is in it, or was
    joined_at      BIGINT NOT NULL, -- when Rollcall first found the bot in it, or found it there again
    left_at        BIGINT           -- when Rollcall noticed that the bot was removed; NULL: it is in the guild
);

CREATE VIEW left_guilds AS SELECT guild_id, left_at FROM guilds WHERE left_at IS NOT NULL;

-- A ping by a UUID alone is refused from then on: the guild had removed the bot. NULL: it is accepted.
ALTER TABLE device_details ADD COLUMN uuid_revoked_at BIGINT;

-- To delete the rows of a guild without reading those of the others.
CREATE INDEX idx_outages_guild ON outages (guild_id);

-- The scheduler checks nothing of a guild that removed the bot.
DROP VIEW scheduled_endpoints;
CREATE VIEW scheduled_endpoints AS
SELECT m.id,
       m.guild_id,
       m.status,
       t.is_active,
       t.inactive_checked_at,
       t.target,
       t.http_check,
       t.revision,
       t.interval_ms,
       p.next_check_at,
       p.last_check_at
FROM monitors m
JOIN endpoint_targets t ON t.monitor_id = m.id
LEFT JOIN monitor_state p ON p.monitor_id = m.id
WHERE m.guild_id NOT IN (SELECT guild_id FROM left_guilds);
