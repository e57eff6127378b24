-- Limits on the numbers that servers report, and outages of their own while they are exceeded.
CREATE TABLE server_limits (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor_id      BIGINT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    guild_id        BIGINT NOT NULL,
    metric          TEXT   NOT NULL, -- the path of a number, with at most one asterisk
    condition       TEXT   NOT NULL, -- above, below or changes
    bound           REAL,            -- NULL for changes
    hold_ms         BIGINT NOT NULL, -- how long a number must be beyond the bound
    severity        TEXT   NOT NULL, -- warning or outage
    beyond_since    BIGINT,          -- since when reports in a row are beyond it; of changes, when the latest was
    exceeded_reason TEXT,            -- NULL: it is met
    last_value      REAL,            -- of the report before; only for changes
    created_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX idx_server_limits ON server_limits (monitor_id, metric, condition);
CREATE INDEX idx_server_limits_guild ON server_limits (guild_id);

-- A monitor has at most one open outage by its status, and one for each of its limits.
ALTER TABLE outages ADD COLUMN limit_id BIGINT NOT NULL DEFAULT 0; -- 0: it is about the status
ALTER TABLE outages ADD COLUMN detail TEXT;                        -- why the limit is exceeded
DROP INDEX idx_outages_open;
CREATE UNIQUE INDEX idx_outages_open ON outages (monitor_id, limit_id) WHERE ended_at IS NULL;

DROP VIEW servers;
CREATE VIEW servers AS
SELECT m.id,
       m.guild_id,
       m.name,
       -- A server that is not set up yet is offline for scripts.
       CASE WHEN m.status = 'unknown' THEN 'offline' ELSE m.status END AS status,
       m.since,
       s.is_active,
       p.last_seen_at,
       s.online_ms,
       s.warning_ms,
       s.offline_ms,
       s.online_ms / 60000 AS online_threshold_minutes, -- whole minutes; NULL where the setting holds, as in the next two
       s.warning_ms / 60000 AS warning_threshold_minutes,
       s.offline_ms / 60000 AS offline_threshold_minutes,
       s.auto_thresholds,
       s.thresholds_followed_at,
       m.created_at,
       -- The worst of its limits that are exceeded: warning, outage, or NULL.
       CASE (SELECT MAX(CASE WHEN l.severity = 'outage' THEN 1 ELSE 0 END) FROM server_limits l
             WHERE l.monitor_id = m.id AND l.exceeded_reason IS NOT NULL)
           WHEN 1 THEN 'outage' WHEN 0 THEN 'warning' END AS limit_exceeded
FROM monitors m
JOIN server_details s ON s.monitor_id = m.id
LEFT JOIN monitor_state p ON p.monitor_id = m.id;

DROP VIEW incident_outages;
DROP VIEW outage_details;
-- Outages with the name and the target of their monitor.
CREATE VIEW outage_details AS
SELECT i.id,
       i.incident_id,
       i.monitor_id,
       COALESCE(m.name, i.monitor_name) AS name,
       COALESCE(t.target, i.target) AS target,
       i.reason,
       CASE WHEN i.limit_id > 0 THEN i.detail ELSE COALESCE(t.failure_detail, d.failure) END AS detail,
       i.started_at,
       i.ended_at,
       i.ended_by,
       i.is_flapping,
       i.continued_by,
       i.joined_revision,
       i.ended_revision,
       i.reply_id,
       i.limit_id,
       m.id IS NOT NULL AS is_known
FROM outages i
LEFT JOIN monitors m ON m.id = i.monitor_id
LEFT JOIN endpoint_targets t ON t.monitor_id = i.monitor_id
LEFT JOIN device_details d ON d.monitor_id = i.monitor_id;

-- The monitors of each incident, and the limits that servers exceed, each with its latest outage in it and the number of its
-- outages.
CREATE VIEW incident_outages AS
SELECT i.*,
       (SELECT COUNT(*) FROM outages n WHERE n.incident_id = i.incident_id AND n.monitor_id = i.monitor_id
           AND n.limit_id = i.limit_id) AS times
FROM outage_details i
WHERE NOT EXISTS (
    SELECT 1 FROM outages n WHERE n.incident_id = i.incident_id AND n.monitor_id = i.monitor_id AND n.limit_id = i.limit_id
        AND n.id > i.id
);

DROP VIEW audit_logs;
-- The audit log for scripts and log shippers, each event with a severity.
CREATE VIEW audit_logs AS
SELECT id,
       guild_id,
       monitor_id,
       kind AS event_type,
       CASE
           WHEN kind IN ('endpoint_offline', 'server_offline', 'alerts_broken', 'webhook_broken') THEN 'error'
           WHEN kind IN ('endpoint_warning', 'endpoint_unknown', 'device_offline', 'server_warning', 'server_overdue', 'server_limit_exceeded') THEN 'warning'
           ELSE 'info'
       END AS severity,
       actor,
       details,
       at AS occurred_at,
       noticed_at AS created_at
FROM events;
