-- Summaries: when a channel gets one, and destinations of their own for them.
CREATE TABLE summary_schedules (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id    BIGINT  NOT NULL,
    channel_id  BIGINT  NOT NULL,
    period      TEXT    NOT NULL CHECK (period IN ('daily', 'weekly', 'monthly')),
    day         INTEGER,          -- of a weekly one 0 (Monday) to 6, of a monthly one 1 to 28, of a daily one NULL
    minute      INTEGER NOT NULL, -- of the day, in the time zone of the guild
    next_due_at BIGINT  NOT NULL,
    created_at  BIGINT  NOT NULL,
    UNIQUE (guild_id, channel_id, period)
);
CREATE INDEX idx_summary_schedules_due ON summary_schedules (next_due_at);

-- SQLite cannot change a CHECK, so destinations are rebuilt for the new kind. Deliveries refer to them, and would be deleted with
-- them, so they are rebuilt, too. Triggers and a view name both tables.
DROP VIEW alert_channels;
DROP TRIGGER incident_changed;
DROP TRIGGER incident_settled;
DROP TRIGGER outage_moved_or_ended;
DROP TRIGGER outage_retracted;
DROP TRIGGER board_monitor_added;
DROP TRIGGER board_monitor_changed;
DROP TRIGGER board_monitor_removed;

CREATE TABLE destinations_rebuilt (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id        BIGINT  NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind IN ('channel', 'webhook', 'direct_message', 'board', 'summary')),
    address         BIGINT  NOT NULL,           -- a Discord channel or user, or a row of webhooks
    attempts        INTEGER NOT NULL DEFAULT 0, -- failed attempts in a row
    failing_since   BIGINT,
    suspected_at    BIGINT,                     -- when it first answered that nothing can be sent there; NULL: not since it worked
    broken_at       BIGINT,                     -- NULL: it works, as far as is known
    broken_reason   TEXT,
    next_try_at     BIGINT  NOT NULL DEFAULT 0,
    last_sent_at    BIGINT,
    UNIQUE (guild_id, kind, address)
);
INSERT INTO destinations_rebuilt (id, guild_id, kind, address, attempts, failing_since, suspected_at, broken_at, broken_reason, next_try_at, last_sent_at)
SELECT id, guild_id, kind, address, attempts, failing_since, suspected_at, broken_at, broken_reason, next_try_at, last_sent_at FROM destinations;

CREATE TABLE deliveries_rebuilt (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    destination_id     BIGINT  NOT NULL REFERENCES destinations_rebuilt (id) ON DELETE CASCADE,
    incident_id        BIGINT  REFERENCES incidents (id) ON DELETE CASCADE, -- NULL: the board of the guild
    wanted_revision    INTEGER NOT NULL,
    delivered_revision INTEGER NOT NULL DEFAULT 0,
    delivered_at       BIGINT,
    lost_messages      INTEGER NOT NULL DEFAULT 0, -- messages that were deleted; part of the next nonce
    channel_id         BIGINT,                     -- where its message is
    message_id         BIGINT,
    may_be_posted      INTEGER NOT NULL DEFAULT 0, -- whether a first message is being sent, or was sent without an answer
    attempts           INTEGER NOT NULL DEFAULT 0, -- failed attempts in a row
    faults             INTEGER NOT NULL DEFAULT 0, -- those of them that happened while the destination seemed to work
    next_try_at        BIGINT  NOT NULL DEFAULT 0,
    has_picture        INTEGER NOT NULL DEFAULT 0, -- whether its message has the picture of the outage
    UNIQUE (destination_id, incident_id)
);
INSERT INTO deliveries_rebuilt (id, destination_id, incident_id, wanted_revision, delivered_revision, delivered_at, lost_messages, channel_id, message_id, may_be_posted, attempts, faults, next_try_at, has_picture)
SELECT id, destination_id, incident_id, wanted_revision, delivered_revision, delivered_at, lost_messages, channel_id, message_id, may_be_posted, attempts, faults, next_try_at, has_picture FROM deliveries;

-- Ids are never used again: they are part of nonces.
INSERT INTO sqlite_sequence (name, seq) SELECT 'destinations_rebuilt', 0
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'destinations_rebuilt');
INSERT INTO sqlite_sequence (name, seq) SELECT 'deliveries_rebuilt', 0
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'deliveries_rebuilt');
UPDATE sqlite_sequence SET seq = (SELECT MAX(s.seq) FROM sqlite_sequence s WHERE s.name IN ('destinations', 'destinations_rebuilt'))
WHERE name = 'destinations_rebuilt';
UPDATE sqlite_sequence SET seq = (SELECT MAX(s.seq) FROM sqlite_sequence s WHERE s.name IN ('deliveries', 'deliveries_rebuilt'))
WHERE name = 'deliveries_rebuilt';

DROP TABLE deliveries;
ALTER TABLE deliveries_rebuilt RENAME TO deliveries;
DROP TABLE destinations;
ALTER TABLE destinations_rebuilt RENAME TO destinations;
CREATE INDEX idx_deliveries_incident ON deliveries (incident_id);
CREATE INDEX idx_deliveries_pending ON deliveries (destination_id) WHERE delivered_revision < wanted_revision;
CREATE INDEX idx_deliveries_board_message ON deliveries (message_id) WHERE incident_id IS NULL;

-- A change of an incident is to be delivered at once, unless its delivery failed while others did not. A revision that was
-- rejected (10 faults) says nothing about the next one.
CREATE TRIGGER incident_changed AFTER UPDATE OF revision ON incidents
BEGIN
    UPDATE deliveries SET wanted_revision = NEW.revision,
        next_try_at = CASE WHEN faults BETWEEN 1 AND 9 THEN next_try_at ELSE 0 END,
        faults = CASE WHEN faults BETWEEN 1 AND 9 THEN faults ELSE 0 END
    WHERE incident_id = NEW.id;
END;

-- A reminder or a reply that was posted is edited when what it says is no longer so.
CREATE TRIGGER incident_settled AFTER UPDATE OF ended_at, acknowledged_at ON incidents
WHEN (OLD.ended_at IS NULL) <> (NEW.ended_at IS NULL) OR (OLD.acknowledged_at IS NULL) <> (NEW.acknowledged_at IS NULL)
BEGIN
    UPDATE deliveries SET wanted_revision = wanted_revision + 1
    WHERE message_id IS NOT NULL AND incident_id IN (SELECT id FROM incidents WHERE follows_id = NEW.id);
END;
CREATE TRIGGER outage_moved_or_ended AFTER UPDATE OF ended_at, incident_id ON outages
BEGIN
    UPDATE deliveries SET wanted_revision = wanted_revision + 1
    WHERE message_id IS NOT NULL AND incident_id IN (
        SELECT id FROM incidents WHERE follows_id IN (OLD.incident_id, NEW.incident_id) AND kind = 'reminder'
        UNION
        SELECT reply_id FROM outages
        WHERE monitor_id = NEW.monitor_id AND incident_id IN (OLD.incident_id, NEW.incident_id) AND reply_id IS NOT NULL);
END;

CREATE TRIGGER outage_retracted AFTER DELETE ON outages WHEN OLD.incident_id IS NOT NULL
BEGIN
    UPDATE deliveries SET wanted_revision = wanted_revision + 1
    WHERE message_id IS NOT NULL AND (incident_id = OLD.reply_id OR incident_id IN (
        SELECT id FROM incidents WHERE follows_id = OLD.incident_id AND kind = 'reminder'));
END;

-- The same for boards, which show all monitors.
CREATE TRIGGER board_monitor_added AFTER INSERT ON monitors
BEGIN
    UPDATE deliveries SET wanted_revision = wanted_revision + 1
    WHERE incident_id IS NULL AND destination_id IN (SELECT id FROM destinations WHERE guild_id = NEW.guild_id AND kind = 'board');
END;
CREATE TRIGGER board_monitor_changed AFTER UPDATE OF name, group_name, status, since ON monitors
BEGIN
    UPDATE deliveries SET wanted_revision = wanted_revision + 1
    WHERE incident_id IS NULL AND destination_id IN (SELECT id FROM destinations WHERE guild_id = NEW.guild_id AND kind = 'board');
END;
CREATE TRIGGER board_monitor_removed AFTER DELETE ON monitors
BEGIN
    UPDATE deliveries SET wanted_revision = wanted_revision + 1
    WHERE incident_id IS NULL AND destination_id IN (SELECT id FROM destinations WHERE guild_id = OLD.guild_id AND kind = 'board');
END;


-- The alert settings of each guild with its channel and whether that works.
CREATE VIEW alert_channels AS
SELECT s.*, t.address AS channel_id, t.attempts, t.failing_since, t.suspected_at, t.broken_at, t.broken_reason, t.next_try_at
FROM alert_settings s
JOIN destinations t ON t.guild_id = s.guild_id AND t.kind = 'channel';
