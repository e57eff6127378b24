-- Slugs and push tokens of devices, and ping keys: jobs keep the URLs that they used with Healthchecks and Uptime Kuma.

ALTER TABLE device_details ADD COLUMN slug TEXT;              -- names it in the URL of a ping; NULL: none
ALTER TABLE device_details ADD COLUMN push_token_sha256 BLOB; -- the token itself is stored nowhere; NULL: none

-- A slug is not unique: pings by one that several devices of the guild have are refused.
CREATE INDEX idx_device_details_slug ON device_details (guild_id, slug) WHERE slug IS NOT NULL;
-- A push names no guild.
CREATE UNIQUE INDEX idx_device_details_push_token ON device_details (push_token_sha256) WHERE push_token_sha256 IS NOT NULL;

-- The slugs of known devices, from their names. A name with other letters yields none.
UPDATE device_details SET slug = (
    SELECT LTRIM(RTRIM(REPLACE(LOWER(m.name), ' ', '-'), '-_'), '-_') FROM monitors m WHERE m.id = device_details.monitor_id
);
UPDATE device_details SET slug = NULL
WHERE slug = '' OR LTRIM(slug, 'abcdefghijklmnopqrstuvwxyz0123456789-_') <> '';

-- SQLite cannot change a CHECK, so the table is rebuilt for the new kind of key.
CREATE TABLE api_keys_rebuilt (
    id            TEXT   PRIMARY KEY, -- the public part of the key
    guild_id      BIGINT NOT NULL,
    kind          TEXT   NOT NULL CHECK (kind IN ('fleet', 'device', 'server', 'read', 'admin', 'ping')),
    monitor_id    BIGINT,             -- the device or server whose own key it is; NULL: the guild's
    secret_sha256 BLOB   NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT,             -- NULL: never
    revoked_at    BIGINT
);
INSERT INTO api_keys_rebuilt (id, guild_id, kind, monitor_id, secret_sha256, created_at, expires_at, revoked_at)
SELECT id, guild_id, kind, monitor_id, secret_sha256, created_at, expires_at, revoked_at FROM api_keys;
DROP TABLE api_keys;
ALTER TABLE api_keys_rebuilt RENAME TO api_keys;
CREATE INDEX idx_api_keys_guild ON api_keys (guild_id, created_at);
CREATE INDEX idx_api_keys_monitor ON api_keys (monitor_id);

-- The view of devices with the new columns at its end.
DROP VIEW devices;
CREATE VIEW devices AS
SELECT m.id,
       m.guild_id,
       d.uuid,
       m.name,
       m.name AS device_name,
       d.device_type,
       m.status,
       m.since,
       m.status = 'online' AS is_online,
       d.is_active,
       d.failure,
       p.last_seen_at AS last_connectivity_event,
       d.threshold_ms,
       m.created_at,
       d.slug,
       m.group_name
FROM monitors m
JOIN device_details d ON d.monitor_id = m.id
LEFT JOIN monitor_state p ON p.monitor_id = m.id;
