-- The history of every monitor: its status from one change to the next, and when it was in maintenance. It is kept when a monitor
-- is removed.

-- What a monitor was from a moment on, until the next row. Written where a status changes; kept as long as the monitor.
CREATE TABLE status_spans (
    monitor_id BIGINT  NOT NULL,
    began_at   BIGINT  NOT NULL,
    status     INTEGER NOT NULL, -- 0 unknown, 1 online, 2 warning, 3 offline, 4 paused, 5 removed
    PRIMARY KEY (monitor_id, began_at)
) WITHOUT ROWID;

-- When a monitor was in maintenance.
CREATE TABLE maintenance_spans (
    monitor_id BIGINT NOT NULL,
    began_at   BIGINT NOT NULL,
    ended_at   BIGINT, -- NULL: it goes on
    guild_id   BIGINT NOT NULL,
    PRIMARY KEY (monitor_id, began_at)
) WITHOUT ROWID;
CREATE INDEX idx_maintenance_spans_open ON maintenance_spans (guild_id, monitor_id) WHERE ended_at IS NULL;
CREATE INDEX idx_maintenance_spans_guild ON maintenance_spans (guild_id);

-- What is known of a monitor that was removed, for its history.
CREATE TABLE removed_monitors (
    id         INTEGER PRIMARY KEY, -- as it was in monitors
    guild_id   BIGINT  NOT NULL,
    kind       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    group_name TEXT,
    created_at BIGINT  NOT NULL,
    removed_at BIGINT  NOT NULL
);
CREATE INDEX idx_removed_monitors_guild ON removed_monitors (guild_id, removed_at);
CREATE INDEX idx_removed_monitors_removed ON removed_monitors (removed_at);

-- A day of a monitor, in UTC. The times are NULL until the day is over.
CREATE TABLE daily_stats (
    monitor_id     BIGINT  NOT NULL,
    day            INTEGER NOT NULL, -- days since 1970-01-01
    online_ms      BIGINT,
    offline_ms     BIGINT,
    maintenance_ms BIGINT,
    unknown_ms     BIGINT,
    paused_ms      BIGINT,
    outages        INTEGER,
    checks         INTEGER NOT NULL DEFAULT 0, -- of a device, runs of its jobs
    failures       INTEGER NOT NULL DEFAULT 0,
    p50_us         BIGINT, -- of those that passed
    p95_us         BIGINT,
    p99_us         BIGINT,
    PRIMARY KEY (monitor_id, day)
) WITHOUT ROWID;

CREATE INDEX idx_daily_stats_day ON daily_stats (day);

-- How long the checks of a day took that passed: counts in buckets of 2 %. Beside the days, which are read more often.
CREATE TABLE latency_sketches (
    monitor_id BIGINT  NOT NULL,
    day        INTEGER NOT NULL,
    sketch     BLOB    NOT NULL,
    PRIMARY KEY (monitor_id, day)
) WITHOUT ROWID;

CREATE TRIGGER daily_stats_deleted AFTER DELETE ON daily_stats
BEGIN
    DELETE FROM latency_sketches WHERE monitor_id = OLD.monitor_id AND day = OLD.day;
END;

-- Every check, packed: a row for each monitor and ISO week. Checks since the last night are in pieces.
CREATE TABLE check_archive (
    id         INTEGER PRIMARY KEY,
    monitor_id BIGINT  NOT NULL,
    week       INTEGER NOT NULL, -- its Monday, in days since 1970-01-01
    checks     BLOB    NOT NULL
);
CREATE UNIQUE INDEX idx_check_archive ON check_archive (monitor_id, week);
CREATE INDEX idx_check_archive_week ON check_archive (week);
CREATE TABLE check_archive_pieces (
    monitor_id BIGINT  NOT NULL,
    first_row  INTEGER NOT NULL, -- of the log of checks
    checks     BLOB    NOT NULL,
    PRIMARY KEY (monitor_id, first_row)
) WITHOUT ROWID;

-- How far the log of checks is packed. A pass packs the rows up to its end, some monitors at a time, so that no writer waits
-- long; one that was interrupted is continued with the other monitors.
CREATE TABLE packing (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    packed_row   INTEGER NOT NULL, -- the last row of the log that is packed for every monitor
    pass_end     INTEGER,          -- NULL: no pass goes on
    archived_day INTEGER           -- the day on which pieces were last put into the archive
);
CREATE TABLE packed_monitors (
    monitor_id INTEGER PRIMARY KEY,
    pass_end   INTEGER NOT NULL -- the latest pass that has packed it
);

-- What a guild has set for itself.
CREATE TABLE guild_settings (
    guild_id BIGINT PRIMARY KEY,
    timezone TEXT -- an IANA name; NULL: UTC
);

-- What older tables know. A monitor is unknown until the first event about it.
INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, created_at, 0 FROM monitors;
INSERT INTO status_spans (monitor_id, began_at, status)
SELECT e.monitor_id,
       -- Like the outage, from the last sign of the monitor on.
       CASE WHEN e.kind IN ('device_offline', 'server_offline') AND json_valid(e.details)
            THEN COALESCE(CAST(e.details ->> '$.last_seen' AS INTEGER), e.at) ELSE e.at END,
       CASE e.kind WHEN 'endpoint_paused' THEN 4
                   WHEN 'endpoint_offline' THEN 3 WHEN 'device_offline' THEN 3 WHEN 'server_offline' THEN 3
                   WHEN 'endpoint_warning' THEN 2 WHEN 'server_warning' THEN 2
                   WHEN 'endpoint_unknown' THEN 0 WHEN 'endpoint_resumed' THEN 0 ELSE 1 END
FROM events e JOIN monitors m ON m.id = e.monitor_id
WHERE e.kind IN ('endpoint_up', 'endpoint_online', 'endpoint_warning_cleared', 'device_online', 'server_online',
                 'endpoint_warning', 'server_warning', 'endpoint_offline', 'device_offline', 'server_offline',
                 'endpoint_unknown', 'endpoint_paused', 'endpoint_resumed') AND e.at >= m.created_at
ORDER BY e.id
ON CONFLICT (monitor_id, began_at) DO UPDATE SET status = excluded.status;
-- Failures that were retracted have no outage: they say nothing.
UPDATE status_spans SET status = 0
WHERE status = 3 AND NOT EXISTS (
    SELECT 1 FROM outages o WHERE o.monitor_id = status_spans.monitor_id AND o.started_at = status_spans.began_at);
-- A warning that led to an outage is part of it.
DELETE FROM status_spans
WHERE status = 2 AND EXISTS (
    SELECT 1 FROM outages o JOIN status_spans s ON s.monitor_id = o.monitor_id AND s.began_at = o.started_at AND s.status = 3
    WHERE o.monitor_id = status_spans.monitor_id AND o.started_at < status_spans.began_at
        AND COALESCE(o.ended_at, status_spans.began_at + 1) > status_spans.began_at);
-- The end of an outage that no event records.
INSERT INTO status_spans (monitor_id, began_at, status)
SELECT o.monitor_id, o.ended_at, CASE o.ended_by WHEN 'recovered' THEN 1 ELSE 0 END
FROM outages o JOIN monitors m ON m.id = o.monitor_id
WHERE o.ended_at IS NOT NULL AND o.limit_id = 0 AND o.ended_at >= m.created_at
ON CONFLICT (monitor_id, began_at) DO NOTHING;
-- The present status, which begins with its outage.
INSERT INTO status_spans (monitor_id, began_at, status)
SELECT m.id,
       CASE WHEN m.status = 'offline' THEN MAX(m.created_at, MIN(m.since, COALESCE((
           SELECT o.started_at FROM outages o WHERE o.monitor_id = m.id AND o.limit_id = 0 AND o.ended_at IS NULL), m.since)))
            ELSE MAX(m.created_at, m.since) END,
       CASE m.status WHEN 'online' THEN 1 WHEN 'warning' THEN 2 WHEN 'offline' THEN 3 WHEN 'paused' THEN 4 ELSE 0 END
FROM monitors m WHERE true
ON CONFLICT (monitor_id, began_at) DO UPDATE SET status = excluded.status;
DELETE FROM status_spans
WHERE EXISTS (
    SELECT 1 FROM monitors m WHERE m.id = status_spans.monitor_id AND status_spans.began_at > MAX(m.created_at, m.since));

INSERT OR IGNORE INTO maintenance_spans (monitor_id, began_at, ended_at, guild_id)
SELECT o.monitor_id, o.started_at, COALESCE(o.ended_at, o.started_at), o.guild_id
FROM outages o JOIN monitors m ON m.id = o.monitor_id WHERE o.is_in_maintenance = 1 AND o.ended_at IS NOT NULL;
INSERT OR REPLACE INTO maintenance_spans (monitor_id, began_at, ended_at, guild_id)
SELECT x.monitor_id, MAX(m.created_at, MIN(w.starts_at)), NULL, m.guild_id
FROM silenced_monitors x JOIN silences w ON w.id = x.silence_id JOIN monitors m ON m.id = x.monitor_id
WHERE w.kind = 'maintenance' AND w.is_started = 1 GROUP BY x.monitor_id;

-- A new monitor begins its history.
CREATE TRIGGER monitor_history_begins AFTER INSERT ON monitors
BEGIN
    INSERT INTO status_spans (monitor_id, began_at, status)
    VALUES (NEW.id, NEW.created_at,
            CASE NEW.status WHEN 'online' THEN 1 WHEN 'warning' THEN 2 WHEN 'offline' THEN 3 WHEN 'paused' THEN 4 ELSE 0 END);
END;

-- The history for scripts.
CREATE VIEW status_history AS
SELECT monitor_id, began_at,
       CASE status WHEN 1 THEN 'online' WHEN 2 THEN 'warning' WHEN 3 THEN 'offline' WHEN 4 THEN 'paused' WHEN 5 THEN 'removed'
                   ELSE 'unknown' END AS status
FROM status_spans;

-- Windows in which Rollcall observed are kept as long as the history; these find those of a range.
CREATE INDEX idx_observation_windows_confirmed ON observation_windows (confirmed_at);
