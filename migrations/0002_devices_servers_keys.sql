-- Those that report by themselves: devices and servers, the keys with which they speak, and when we were there to listen.
--
-- The pulse row of an endpoint serves them too: last_pass_at is the last report. So a report changes one narrow row, and
-- the wide rows change only with the status.

CREATE TABLE api_keys (
    id            TEXT    PRIMARY KEY,        -- the public part of the key
    guild_id      BIGINT  NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind IN ('fleet', 'device', 'server', 'read', 'admin')),
    monitor_id    BIGINT,                     -- whose own key it is; NULL: a guild's
    secret_sha256 BLOB    NOT NULL,           -- the secret itself is kept nowhere
    created_at    BIGINT  NOT NULL,
    expires_at    BIGINT,                     -- NULL: never
    revoked_at    BIGINT
);
CREATE INDEX idx_api_keys_guild ON api_keys (guild_id, created_at);
CREATE INDEX idx_api_keys_monitor ON api_keys (monitor_id);

CREATE TABLE device_facts (
    monitor_id   INTEGER PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    guild_id     BIGINT  NOT NULL,
    uuid         TEXT    NOT NULL,
    device_type  TEXT,
    is_active    INTEGER NOT NULL DEFAULT 1,
    threshold_ms BIGINT,                      -- NULL: the setting HEARTBEAT_OFFLINE_THRESHOLD
    UNIQUE (guild_id, uuid)
);

CREATE TABLE server_facts (
    monitor_id INTEGER PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    guild_id   BIGINT  NOT NULL,
    is_active  INTEGER NOT NULL DEFAULT 1,
    online_ms  BIGINT,                        -- NULL: the settings' thresholds
    warning_ms BIGINT,
    offline_ms BIGINT
);

-- What servers reported, as they reported it.
CREATE TABLE samples (
    id         INTEGER PRIMARY KEY,
    at         BIGINT NOT NULL,
    monitor_id BIGINT NOT NULL,
    stats      TEXT   NOT NULL               -- JSON object
);
CREATE INDEX idx_samples_monitor ON samples (monitor_id, at);

-- When we were alive. Silence counts only while somebody listens.
CREATE TABLE watch (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    began_at BIGINT NOT NULL,
    alive_at BIGINT NOT NULL
);

CREATE VIEW devices AS
SELECT m.id,
       m.guild_id,
       d.uuid,
       m.name,
       d.device_type,
       m.status,
       m.since,
       m.status = 'online' AS is_online,
       d.is_active,
       p.last_pass_at AS last_connectivity_event,
       d.threshold_ms,
       m.created_at
FROM monitors m
JOIN device_facts d ON d.monitor_id = m.id
LEFT JOIN pulse p ON p.monitor_id = m.id;

CREATE VIEW servers AS
SELECT m.id,
       m.guild_id,
       m.name,
       m.status,
       m.since,
       s.is_active,
       p.last_pass_at AS last_seen_at,
       s.online_ms,
       s.warning_ms,
       s.offline_ms,
       m.created_at
FROM monitors m
JOIN server_facts s ON s.monitor_id = m.id
LEFT JOIN pulse p ON p.monitor_id = m.id;
