-- The roll, as far as Rollcall looks by itself: endpoints, what was seen of them, and what changed.
--
-- Two kinds of row on purpose. Wide rows (monitors, endpoint_targets) change when a person or a status changes them.
-- What changes at every look lives in narrow rows (pulse) and in a log in time order (outcomes): a look then costs tens
-- of bytes on disk instead of a page. Instants are UTC unix milliseconds everywhere.

CREATE TABLE monitors (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: events and buttons outlive a monitor
    guild_id   BIGINT  NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('endpoint', 'device', 'server')),
    name       TEXT    NOT NULL,
    status     TEXT    NOT NULL CHECK (status IN ('unknown', 'online', 'warning', 'offline', 'paused')),
    since      BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL
);
CREATE INDEX idx_monitors_status ON monitors (guild_id, status, since);

CREATE TABLE endpoint_targets (
    monitor_id             INTEGER PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    guild_id               BIGINT  NOT NULL,
    target                 TEXT    NOT NULL, -- canonical spelling; what is shown and compared
    host                   TEXT    NOT NULL,
    port                   INTEGER NOT NULL,
    http_check             TEXT,             -- JSON; NULL where every option has its default
    interval_ms            BIGINT,           -- NULL: the setting PROBE_INTERVAL
    is_active              INTEGER NOT NULL DEFAULT 1,
    failure_class          TEXT,             -- of the latest failure; NULL while it passes
    failure_detail         TEXT,
    inactive_checked_at    BIGINT,           -- last look while inactive; NULL: none yet
    certificate_expires_at BIGINT,
    UNIQUE (guild_id, target)
);
CREATE INDEX idx_endpoints_active ON endpoint_targets (guild_id, is_active);
CREATE INDEX idx_endpoints_last_check ON endpoint_targets (inactive_checked_at) WHERE is_active = 0;
CREATE INDEX idx_endpoints_host ON endpoint_targets (guild_id, host, port);

CREATE TABLE pulse (
    monitor_id   INTEGER PRIMARY KEY,
    last_look_at BIGINT,
    last_pass_at BIGINT,
    next_due_at  BIGINT,                     -- NULL: at its slot, or the recheck job has it
    streak       INTEGER NOT NULL DEFAULT 0, -- failures in a row
    latency_us   BIGINT                      -- of the latest look
);

CREATE TABLE outcomes (
    id         INTEGER PRIMARY KEY,
    at         BIGINT  NOT NULL,
    monitor_id BIGINT  NOT NULL,
    latency_us BIGINT  NOT NULL,
    class      INTEGER NOT NULL             -- 0 up, 1..9 the failure classes, 255 could not look
);

CREATE TABLE incidents (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id   BIGINT  NOT NULL,
    monitor_id BIGINT  NOT NULL,
    started_at BIGINT  NOT NULL,
    ended_at   BIGINT,
    reason     TEXT    NOT NULL
);
CREATE UNIQUE INDEX idx_incidents_open ON incidents (monitor_id) WHERE ended_at IS NULL;

-- The audit log: what changed, when it became true, when it was noticed, and by whom. Rows are never updated.
CREATE TABLE events (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id   BIGINT NOT NULL,
    monitor_id BIGINT,
    kind       TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    noticed_at BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    facts      TEXT   NOT NULL              -- JSON object
);
CREATE INDEX idx_events_kind ON events (guild_id, kind, at);

-- The last run of every job, so that a restart still knows when it was.
CREATE TABLE job_runs (
    name        TEXT   PRIMARY KEY,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    summary     TEXT   NOT NULL
);

-- Where people look for the facts of an endpoint, whichever table keeps them.
CREATE VIEW endpoints AS
SELECT m.id,
       m.guild_id,
       m.name,
       t.target,
       t.host,
       t.port,
       t.http_check,
       t.interval_ms,
       m.status,
       m.since,
       t.is_active,
       CASE WHEN t.is_active = 0 THEN t.failure_class END AS inactive_reason,
       t.failure_class,
       t.failure_detail,
       t.inactive_checked_at,
       p.last_look_at AS last_check_date,
       p.last_pass_at AS last_seen_at,
       p.next_due_at,
       p.streak,
       p.latency_us,
       t.certificate_expires_at,
       m.created_at
FROM monitors m
JOIN endpoint_targets t ON t.monitor_id = m.id
LEFT JOIN pulse p ON p.monitor_id = m.id;
