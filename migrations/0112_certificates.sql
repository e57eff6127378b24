-- The validity of certificates and what was announced of it, so that guilds are notified once before a certificate expires.
ALTER TABLE endpoint_targets ADD COLUMN certificate_starts_at BIGINT;         -- NULL: not known
ALTER TABLE endpoint_targets ADD COLUMN certificate_host TEXT;                -- NULL: the host of the target
ALTER TABLE endpoint_targets ADD COLUMN certificate_announced_days INTEGER;   -- the last threshold; NULL: none yet
ALTER TABLE endpoint_targets ADD COLUMN certificate_announced_expiry BIGINT;  -- the latest expiry that was announced
CREATE INDEX idx_endpoints_certificate ON endpoint_targets (certificate_expires_at) WHERE certificate_expires_at IS NOT NULL;

-- The view of endpoints with the new columns at its end.
DROP VIEW endpoints;
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
       p.last_check_at AS last_check_date,
       p.last_seen_at,
       p.next_check_at AS next_due_at,
       p.consecutive_failures,
       p.latency_us,
       t.certificate_expires_at,
       m.created_at,
       t.certificate_starts_at,
       t.certificate_host
FROM monitors m
JOIN endpoint_targets t ON t.monitor_id = m.id
LEFT JOIN monitor_state p ON p.monitor_id = m.id;
