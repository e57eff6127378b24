-- Limits of what a guild adds: new hosts per hour, and whose intervals may be shorter than PROBE_MIN_INTERVAL.

-- Whether its interval was set on the operator's command line, where PROBE_MIN_INTERVAL does not apply.
ALTER TABLE endpoint_targets ADD COLUMN has_operator_interval INTEGER NOT NULL DEFAULT 0;

-- How many hosts a guild has ever added without being limited per hour: the first ones, as many as the quota. Removing
-- endpoints changes nothing here.
CREATE TABLE host_allowances (
    guild_id    BIGINT PRIMARY KEY,
    first_hosts BIGINT NOT NULL
);
INSERT INTO host_allowances (guild_id, first_hosts)
SELECT guild_id, COUNT(DISTINCT host) FROM endpoint_targets GROUP BY guild_id;

-- Hosts that were added beyond these, with their times; older than an hour, a row is deleted with the next addition.
CREATE TABLE host_additions (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    hosts    BIGINT NOT NULL
);
CREATE INDEX idx_host_additions_guild ON host_additions (guild_id, at);

-- The view of the scheduler with the new column at its end.
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
       p.last_check_at,
       t.has_operator_interval
FROM monitors m
JOIN endpoint_targets t ON t.monitor_id = m.id
LEFT JOIN monitor_state p ON p.monitor_id = m.id
WHERE m.guild_id NOT IN (SELECT guild_id FROM left_guilds);
