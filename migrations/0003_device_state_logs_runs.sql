-- What devices are told to be and say they are, what they log, the jobs that they run, and thresholds that follow a
-- server's rhythm by themselves.

CREATE TABLE device_states (
    monitor_id  INTEGER PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    target      TEXT NOT NULL DEFAULT '{}',   -- JSON object: what people want of it
    current     TEXT NOT NULL DEFAULT '{}',   -- JSON object: what it says of itself
    reported_at BIGINT                        -- when it last said so
);

-- What a device logged, and its pings; so many lines of each device are kept.
CREATE TABLE device_logs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor_id BIGINT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    at         BIGINT NOT NULL,
    kind       TEXT   NOT NULL CHECK (kind IN ('line', 'start', 'success', 'fail', 'log')),
    level      TEXT,
    said_at    TEXT,                          -- the device's own clock: a hint
    message    TEXT   NOT NULL,
    run_ms     BIGINT                         -- of a job that has ended: how long it took
);
CREATE INDEX idx_device_logs_monitor ON device_logs (monitor_id, id);

-- Jobs that have begun and not ended yet, by the name that the device gave the run ('' for none).
CREATE TABLE device_runs (
    monitor_id BIGINT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    run        TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    PRIMARY KEY (monitor_id, run)
);

ALTER TABLE device_facts ADD COLUMN failure TEXT;                                  -- why its last job failed
CREATE INDEX idx_device_facts_uuid ON device_facts (uuid);                         -- a ping names no guild

ALTER TABLE server_facts ADD COLUMN auto_thresholds INTEGER NOT NULL DEFAULT 0;    -- whether they follow the rhythm
ALTER TABLE server_facts ADD COLUMN thresholds_followed_at BIGINT;                 -- when they last did

DROP VIEW devices;
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
       d.failure,
       p.last_pass_at AS last_connectivity_event,
       d.threshold_ms,
       m.created_at
FROM monitors m
JOIN device_facts d ON d.monitor_id = m.id
LEFT JOIN pulse p ON p.monitor_id = m.id;

DROP VIEW servers;
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
       s.auto_thresholds,
       s.thresholds_followed_at,
       m.created_at
FROM monitors m
JOIN server_facts s ON s.monitor_id = m.id
LEFT JOIN pulse p ON p.monitor_id = m.id;
