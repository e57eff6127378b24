-- How much each guild has stored, so that no guild fills the disk of all; and indexes for what is deleted by age.

-- Rows and bytes of each guild, kept up to date by triggers. The bounds are in the program.
CREATE TABLE guild_usage (
    guild_id     BIGINT  NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('samples', 'device_logs', 'events', 'outages', 'incidents')),
    stored_rows  INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    deleted_rows INTEGER NOT NULL DEFAULT 0, -- because of a bound
    PRIMARY KEY (guild_id, kind)
);

-- The oldest rows of a guild are deleted first.
ALTER TABLE samples ADD COLUMN guild_id BIGINT;
UPDATE samples SET guild_id = (SELECT m.guild_id FROM monitors m WHERE m.id = samples.monitor_id);
CREATE INDEX idx_samples_guild ON samples (guild_id, id);
ALTER TABLE device_logs ADD COLUMN guild_id BIGINT;
UPDATE device_logs SET guild_id = (SELECT m.guild_id FROM monitors m WHERE m.id = device_logs.monitor_id);
CREATE INDEX idx_device_logs_guild ON device_logs (guild_id, id);
CREATE INDEX idx_events_guild ON events (guild_id, id);
DROP INDEX idx_incidents_outages;
CREATE INDEX idx_incidents_guild ON incidents (guild_id, id);

INSERT INTO guild_usage (guild_id, kind, stored_rows, stored_bytes)
SELECT guild_id, 'samples', COUNT(*), SUM(OCTET_LENGTH(stats)) FROM samples WHERE guild_id IS NOT NULL GROUP BY guild_id
UNION ALL
SELECT guild_id, 'device_logs', COUNT(*), SUM(OCTET_LENGTH(message)) FROM device_logs GROUP BY guild_id
UNION ALL
SELECT guild_id, 'events', COUNT(*), SUM(OCTET_LENGTH(details)) FROM events GROUP BY guild_id
UNION ALL
SELECT guild_id, 'outages', COUNT(*), SUM(OCTET_LENGTH(reason)) FROM outages GROUP BY guild_id
UNION ALL
SELECT guild_id, 'incidents', COUNT(*), COALESCE(SUM(OCTET_LENGTH(details)), 0) FROM incidents GROUP BY guild_id;

CREATE TRIGGER sample_stored AFTER INSERT ON samples
BEGIN
    INSERT INTO guild_usage (guild_id, kind, stored_rows, stored_bytes)
    SELECT NEW.guild_id, 'samples', 1, OCTET_LENGTH(NEW.stats) WHERE NEW.guild_id IS NOT NULL
    ON CONFLICT (guild_id, kind) DO UPDATE SET stored_rows = stored_rows + 1, stored_bytes = stored_bytes + excluded.stored_bytes;
END;
CREATE TRIGGER sample_deleted AFTER DELETE ON samples
BEGIN
    UPDATE guild_usage SET stored_rows = stored_rows - 1, stored_bytes = stored_bytes - OCTET_LENGTH(OLD.stats)
    WHERE guild_id = OLD.guild_id AND kind = 'samples';
END;
CREATE TRIGGER device_log_stored AFTER INSERT ON device_logs
BEGIN
    INSERT INTO guild_usage (guild_id, kind, stored_rows, stored_bytes)
    SELECT NEW.guild_id, 'device_logs', 1, OCTET_LENGTH(NEW.message) WHERE NEW.guild_id IS NOT NULL
    ON CONFLICT (guild_id, kind) DO UPDATE SET stored_rows = stored_rows + 1, stored_bytes = stored_bytes + excluded.stored_bytes;
END;
CREATE TRIGGER device_log_deleted AFTER DELETE ON device_logs
BEGIN
    UPDATE guild_usage SET stored_rows = stored_rows - 1, stored_bytes = stored_bytes - OCTET_LENGTH(OLD.message)
    WHERE guild_id = OLD.guild_id AND kind = 'device_logs';
END;
CREATE TRIGGER event_stored AFTER INSERT ON events
BEGIN
    INSERT INTO guild_usage (guild_id, kind, stored_rows, stored_bytes)
    SELECT NEW.guild_id, 'events', 1, OCTET_LENGTH(NEW.details) WHERE NEW.guild_id IS NOT NULL
    ON CONFLICT (guild_id, kind) DO UPDATE SET stored_rows = stored_rows + 1, stored_bytes = stored_bytes + excluded.stored_bytes;
END;
CREATE TRIGGER event_deleted AFTER DELETE ON events
BEGIN
    UPDATE guild_usage SET stored_rows = stored_rows - 1, stored_bytes = stored_bytes - OCTET_LENGTH(OLD.details)
    WHERE guild_id = OLD.guild_id AND kind = 'events';
END;
CREATE TRIGGER outage_stored AFTER INSERT ON outages
BEGIN
    INSERT INTO guild_usage (guild_id, kind, stored_rows, stored_bytes)
    SELECT NEW.guild_id, 'outages', 1, OCTET_LENGTH(NEW.reason) WHERE NEW.guild_id IS NOT NULL
    ON CONFLICT (guild_id, kind) DO UPDATE SET stored_rows = stored_rows + 1, stored_bytes = stored_bytes + excluded.stored_bytes;
END;
CREATE TRIGGER outage_deleted AFTER DELETE ON outages
BEGIN
    UPDATE guild_usage SET stored_rows = stored_rows - 1, stored_bytes = stored_bytes - OCTET_LENGTH(OLD.reason)
    WHERE guild_id = OLD.guild_id AND kind = 'outages';
END;
CREATE TRIGGER incident_stored AFTER INSERT ON incidents
BEGIN
    INSERT INTO guild_usage (guild_id, kind, stored_rows, stored_bytes)
    SELECT NEW.guild_id, 'incidents', 1, COALESCE(OCTET_LENGTH(NEW.details), 0) WHERE NEW.guild_id IS NOT NULL
    ON CONFLICT (guild_id, kind) DO UPDATE SET stored_rows = stored_rows + 1, stored_bytes = stored_bytes + excluded.stored_bytes;
END;
CREATE TRIGGER incident_deleted AFTER DELETE ON incidents
BEGIN
    UPDATE guild_usage SET stored_rows = stored_rows - 1, stored_bytes = stored_bytes - COALESCE(OCTET_LENGTH(OLD.details), 0)
    WHERE guild_id = OLD.guild_id AND kind = 'incidents';
END;

CREATE INDEX idx_server_details_guild ON server_details (guild_id);

-- Retention: rows of these tables end in another order than they begin.
CREATE INDEX idx_samples_at ON samples (at);
CREATE INDEX idx_events_noticed ON events (noticed_at);
CREATE INDEX idx_outages_ended ON outages (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX idx_incidents_ended ON incidents (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX idx_api_keys_ended ON api_keys (COALESCE(revoked_at, expires_at));
