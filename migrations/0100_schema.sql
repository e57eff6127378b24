-- The schema of Rollcall 0.1. Times are UTC Unix milliseconds. Discord ids are stored as signed 64-bit integers: they stay
-- below 2^63 until the year 2084.
--
-- There are two kinds of row on purpose. Wide rows (monitors, endpoint_targets) change when a person or a status changes
-- them. What changes at every check, heartbeat or report lives in narrow rows (monitor_state) and in a log in time order
-- (check_results): a check then costs tens of bytes on disk instead of a page.

-- Anything that is watched, of all three kinds, so that lists, groups and outages need one table only.
CREATE TABLE monitors (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: events and buttons outlive a monitor
    guild_id   BIGINT  NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('endpoint', 'device', 'server')),
    name       TEXT    NOT NULL,
    group_name TEXT,                              -- the user-defined group; NULL: none
    status     TEXT    NOT NULL CHECK (status IN ('unknown', 'online', 'warning', 'offline', 'paused')),
    since      BIGINT  NOT NULL,                  -- when the status began
    created_at BIGINT  NOT NULL
);
CREATE INDEX idx_monitors_status ON monitors (guild_id, status, since);
CREATE INDEX idx_monitors_group ON monitors (guild_id, group_name) WHERE group_name IS NOT NULL;

-- What only endpoints have. A base table because a view cannot carry the indexes and the foreign key.
CREATE TABLE endpoint_targets (
    monitor_id             INTEGER PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    guild_id               BIGINT  NOT NULL,
    target                 TEXT    NOT NULL,           -- in canonical form, which is shown and compared
    host                   TEXT    NOT NULL,
    port                   INTEGER NOT NULL,
    http_check             TEXT,                       -- JSON; NULL: every option has its default
    interval_ms            BIGINT,                     -- NULL: the setting PROBE_INTERVAL
    revision               INTEGER NOT NULL DEFAULT 0, -- counts changes of the target or the check; older results are dropped
    is_active              INTEGER NOT NULL DEFAULT 1,
    failure_class          TEXT,                       -- of the latest failure; NULL while it passes
    failure_detail         TEXT,
    inactive_checked_at    BIGINT,                     -- last check while inactive; NULL: none yet
    certificate_expires_at BIGINT,
    UNIQUE (guild_id, target)
);
CREATE INDEX idx_endpoints_active ON endpoint_targets (guild_id, is_active);
CREATE INDEX idx_endpoints_last_check ON endpoint_targets (inactive_checked_at) WHERE is_active = 0;
CREATE INDEX idx_endpoints_host ON endpoint_targets (guild_id, host, port);

-- What only devices have.
CREATE TABLE device_details (
    monitor_id   INTEGER PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    guild_id     BIGINT  NOT NULL,
    uuid         TEXT    NOT NULL,
    device_type  TEXT,
    is_active    INTEGER NOT NULL DEFAULT 1,
    threshold_ms BIGINT, -- NULL: the setting HEARTBEAT_OFFLINE_THRESHOLD
    failure      TEXT,   -- why its last run failed; NULL: it did not
    UNIQUE (guild_id, uuid)
);
CREATE INDEX idx_device_details_uuid ON device_details (uuid); -- a ping names no guild

-- What only servers have.
CREATE TABLE server_details (
    monitor_id             INTEGER PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    guild_id               BIGINT  NOT NULL,
    is_active              INTEGER NOT NULL DEFAULT 1,
    online_ms              BIGINT,                     -- NULL: the thresholds of the settings
    warning_ms             BIGINT,
    offline_ms             BIGINT,
    auto_thresholds        INTEGER NOT NULL DEFAULT 0, -- whether the thresholds follow the report interval
    thresholds_followed_at BIGINT  -- when they last did
);

-- What changes at every check, heartbeat or report, for all three kinds of monitor.
CREATE TABLE monitor_state (
    monitor_id           INTEGER PRIMARY KEY,
    last_check_at        BIGINT, -- endpoints only
    last_seen_at         BIGINT, -- last check that passed, last heartbeat, last report
    next_check_at        BIGINT, -- NULL: at its slot, or the recheck job has it
    consecutive_failures INTEGER NOT NULL DEFAULT 0,
    latency_us           BIGINT  -- of the latest check
);

-- The log of checks. It has no index but its own order: a row clustered by monitor would cost a page.
CREATE TABLE check_results (
    id         INTEGER PRIMARY KEY,
    at         BIGINT  NOT NULL,
    monitor_id BIGINT  NOT NULL,
    latency_us BIGINT  NOT NULL,
    class      INTEGER NOT NULL -- 0 up, 1..9 the failure classes, 255 unknown
);

-- What servers reported, as they reported it.
CREATE TABLE samples (
    id         INTEGER PRIMARY KEY,
    at         BIGINT  NOT NULL,
    monitor_id BIGINT  NOT NULL,
    stats      TEXT    NOT NULL -- JSON object
);
CREATE INDEX idx_samples_monitor ON samples (monitor_id, at);

-- The desired and the reported state of each device.
CREATE TABLE device_states (
    monitor_id  INTEGER PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    target      TEXT    NOT NULL DEFAULT '{}', -- JSON object: the state that people want
    current     TEXT    NOT NULL DEFAULT '{}', -- JSON object: the state that the device reported
    reported_at BIGINT  -- when it last did
);

-- What a device logged, and its pings. A limited number of rows is kept for each device.
CREATE TABLE device_logs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    monitor_id  BIGINT  NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    at          BIGINT  NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('line', 'start', 'success', 'fail', 'log')),
    level       TEXT,
    device_time TEXT, -- by the device's own clock: a hint
    message     TEXT    NOT NULL,
    run_ms      BIGINT  -- how long the run took that ended here
);
CREATE INDEX idx_device_logs_monitor ON device_logs (monitor_id, id);

-- Runs of devices' jobs that have started and not ended yet, by the id that the device gave the run ('' for none).
CREATE TABLE device_runs (
    monitor_id BIGINT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    run        TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    PRIMARY KEY (monitor_id, run)
);

-- API keys. A key's secret is stored nowhere, only its digest.
CREATE TABLE api_keys (
    id            TEXT   PRIMARY KEY, -- the public part of the key
    guild_id      BIGINT NOT NULL,
    kind          TEXT   NOT NULL CHECK (kind IN ('fleet', 'device', 'server', 'read', 'admin')),
    monitor_id    BIGINT,             -- the device or server whose own key it is; NULL: the guild's
    secret_sha256 BLOB   NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT,             -- NULL: never
    revoked_at    BIGINT
);
CREATE INDEX idx_api_keys_guild ON api_keys (guild_id, created_at);
CREATE INDEX idx_api_keys_monitor ON api_keys (monitor_id);

-- When Rollcall was running, connected and able to store. Time outside these periods never makes a device or a server
-- overdue.
CREATE TABLE observation_windows (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at   BIGINT  NOT NULL,
    confirmed_at BIGINT  NOT NULL -- the last moment at which the period surely had not ended
);

-- The downtime of one monitor, from its first failure to its recovery. At most one is open for each monitor.
CREATE TABLE outages (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id          BIGINT  NOT NULL,
    monitor_id        BIGINT  NOT NULL,
    started_at        BIGINT  NOT NULL,
    ended_at          BIGINT,
    ended_by          TEXT,    -- recovered, paused, retargeted or removed; NULL while it is open
    reason            TEXT    NOT NULL,
    is_in_maintenance INTEGER NOT NULL DEFAULT 0, -- in a maintenance window when it was to be notified
    is_held           INTEGER NOT NULL DEFAULT 0, -- its notification waits for the end of a silence
    is_flapping       INTEGER NOT NULL DEFAULT 0, -- joined its incident because its monitor is flapping; until that ends
    incident_id       BIGINT,  -- NULL: no incident, so no notification was sent
    joined_revision   INTEGER, -- the revision of its incident with which it joined
    reply_id          BIGINT,  -- the message of its own about monitors that joined late; NULL: none
    ended_revision    INTEGER, -- the revision with which it ended
    continued_by      BIGINT,  -- the incident of the next outage of its flapping monitor, which stayed offline
    monitor_name      TEXT,    -- name and target of a monitor that has been removed; NULL while it exists
    target            TEXT
);
CREATE UNIQUE INDEX idx_outages_open ON outages (monitor_id) WHERE ended_at IS NULL;
CREATE INDEX idx_outages_incident ON outages (incident_id, monitor_id) WHERE incident_id IS NOT NULL;
CREATE INDEX idx_outages_just_ended ON outages (incident_id) WHERE ended_at IS NOT NULL AND ended_revision IS NULL;
CREATE INDEX idx_outages_reply ON outages (reply_id) WHERE reply_id IS NOT NULL;
CREATE INDEX idx_outages_monitor ON outages (monitor_id, id);
CREATE INDEX idx_outages_flapping ON outages (guild_id, monitor_id) WHERE is_flapping = 1;
CREATE INDEX idx_outages_continued ON outages (guild_id, continued_by) WHERE continued_by IS NOT NULL;

-- What people see, acknowledge and get notified of. Most rows group outages (kind 'incident'); the other kinds are
-- notifications about something else, such as a broken channel, and have their details as JSON.
CREATE TABLE incidents (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id             BIGINT  NOT NULL,
    kind                 TEXT    NOT NULL DEFAULT 'incident',
    details              TEXT,                       -- JSON object, of the other kinds
    follows_id           BIGINT,                     -- the incident that a reminder or a reply is about
    scope                TEXT    NOT NULL,           -- what the outages share: host=…, subnet=…, or nothing
    group_name           TEXT,                       -- the user-defined group that all of them belong to
    revision             INTEGER NOT NULL DEFAULT 1, -- counts every change that can be seen
    opened_at            BIGINT  NOT NULL,           -- when its first outage started
    created_at           BIGINT  NOT NULL,
    joined_at            BIGINT  NOT NULL,           -- when an outage last joined
    escalation_starts_at BIGINT  NOT NULL DEFAULT 0, -- reminders and escalation count from here; set again after a silence
    ended_at             BIGINT,
    role_id              BIGINT,                     -- mentioned instead of the guild's on-call role
    acknowledged_at      BIGINT,
    acknowledged_by      BIGINT,                     -- a Discord user
    reminded_at          BIGINT,
    escalated_at         BIGINT,
    joined_reply_id     BIGINT,                     -- the latest message about monitors that joined it late
    joined_reply_at     BIGINT,                     -- when that was to be sent
    rechecked_at         BIGINT,
    rechecked_by         BIGINT,
    rechecked_result     TEXT,                       -- a sentence
    muted_until          BIGINT,                     -- by the button
    muted_by             BIGINT,
    maintained_until     BIGINT,                     -- by the button
    maintained_by        BIGINT,
    flapping_since       BIGINT,
    flapping_ended_at    BIGINT,                     -- when none of its monitors was flapping any longer
    cause                TEXT    -- the probable cause, as JSON
);
CREATE INDEX idx_incidents_kind ON incidents (guild_id, kind, joined_at) WHERE kind <> 'incident';
CREATE INDEX idx_incidents_follows ON incidents (follows_id) WHERE follows_id IS NOT NULL;
CREATE INDEX idx_incidents_open ON incidents (guild_id, joined_at) WHERE ended_at IS NULL;

-- What a guild is notified of. No row: it has no alert channel; the channel itself is a row of destinations.
CREATE TABLE alert_settings (
    guild_id           BIGINT  PRIMARY KEY,
    role_id            BIGINT, -- the on-call role, mentioned when an incident opens; NULL: none
    notify_on_recovery INTEGER NOT NULL DEFAULT 1,
    notify_on_warning  INTEGER NOT NULL DEFAULT 1,
    remind_after_ms    BIGINT, -- NULL: no reminders
    escalate_after_ms  BIGINT, -- NULL: no escalation
    escalate_role_id   BIGINT,
    escalate_user_id   BIGINT, -- by direct message
    bulk_count         INTEGER,
    bulk_percent       INTEGER,
    bulk_window_ms     BIGINT  -- NULL: no bulk alerts
);

-- What is different for one monitor.
CREATE TABLE alert_overrides (
    monitor_id BIGINT  PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    guild_id   BIGINT  NOT NULL,
    notify     INTEGER NOT NULL,
    role_id    BIGINT  -- NULL: the guild's
);
CREATE INDEX idx_alert_overrides_guild ON alert_overrides (guild_id);

-- Where the notifications of a guild go, and whether that works. Attempts are counted here and not for each delivery: what
-- fails at one destination fails together, is tried again together, and so stays in order.
CREATE TABLE destinations (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id        BIGINT  NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind IN ('channel', 'webhook', 'direct_message', 'board')),
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

-- The progress of each incident to each destination, and of each board to its channel.
--
-- A delivery does not hold a text. It says that a destination must be brought up to the current state of an incident, so
-- "offline" can never come after "recovered", and an incident that changed ten times while Discord was away is posted once.
-- A delivery is complete while delivered_revision equals wanted_revision, which triggers keep up to date.
CREATE TABLE deliveries (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    destination_id     BIGINT  NOT NULL REFERENCES destinations (id) ON DELETE CASCADE,
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
    UNIQUE (destination_id, incident_id)
);
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

-- Webhooks: what a destination of that kind needs beside its address.
CREATE TABLE webhooks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id    BIGINT  NOT NULL,
    name        TEXT    NOT NULL,
    url         TEXT    NOT NULL, -- a secret: it lets anyone post there
    format      TEXT    NOT NULL,
    template    TEXT,             -- of the format 'template': the message as JSON, with placeholders
    signing_key TEXT    NOT NULL, -- whsec_…; needed whole to sign with
    created_at  BIGINT  NOT NULL,
    created_by  TEXT    NOT NULL, -- an actor, as in events
    UNIQUE (guild_id, name)
);

-- Silences: checks go on and outages are recorded, but no notifications are sent. A mute is a silence of one monitor from now
-- on; a maintenance window is planned, once or weekly, for all monitors, a group, or some monitors. The times decide what is
-- silenced, so a silence works from its first second.
CREATE TABLE silences (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id   BIGINT  NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('mute', 'maintenance')),
    title      TEXT    NOT NULL,           -- empty for a mute
    scope      TEXT    NOT NULL CHECK (scope IN ('all', 'group', 'some')),
    group_name TEXT,                       -- of scope 'group'
    starts_at  BIGINT  NOT NULL,           -- of the window that is open, or that comes next
    ends_at    BIGINT  NOT NULL,
    days       INTEGER,                    -- weekly: bit 0 is Monday; NULL: once
    minute     INTEGER,                    -- weekly: minute of the day in the zone's local time
    length_ms  BIGINT,
    zone       TEXT,                       -- an IANA name
    is_started INTEGER NOT NULL DEFAULT 0, -- whether the start of this window is in the audit log
    created_at BIGINT  NOT NULL,
    created_by TEXT    NOT NULL            -- an actor, as in events
);
CREATE INDEX idx_silences_guild ON silences (guild_id, ends_at);
CREATE INDEX idx_silences_end ON silences (ends_at);

-- The monitors of those whose scope is 'some'.
CREATE TABLE silence_monitors (
    silence_id BIGINT NOT NULL REFERENCES silences (id) ON DELETE CASCADE,
    monitor_id BIGINT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    PRIMARY KEY (silence_id, monitor_id)
);
CREATE INDEX idx_silence_monitors_monitor ON silence_monitors (monitor_id);

-- The scheduled events in Discord that show maintenance windows. A row outlives its window until the event is deleted.
CREATE TABLE calendar_events (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id   BIGINT  NOT NULL,
    silence_id BIGINT  NOT NULL,
    starts_at  BIGINT  NOT NULL, -- the window that it shows
    ends_at    BIGINT  NOT NULL,
    event_id   BIGINT  NOT NULL, -- in Discord; 0: Discord refused it
    UNIQUE (silence_id, starts_at)
);

-- The audit log: what changed, when it became true, when it was noticed, and who caused it. Rows are never updated.
CREATE TABLE events (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id   BIGINT  NOT NULL,
    monitor_id BIGINT,
    kind       TEXT    NOT NULL,
    at         BIGINT  NOT NULL,
    noticed_at BIGINT  NOT NULL,
    actor      TEXT    NOT NULL, -- system, cli, discord:<user id> or key:<key id>
    details    TEXT    NOT NULL  -- JSON object
);
CREATE INDEX idx_events_kind ON events (guild_id, kind, at);

-- The last run of every background job, so that a restart neither skips nor repeats one.
CREATE TABLE job_runs (
    name        TEXT   PRIMARY KEY,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    summary     TEXT   NOT NULL
);

-- Guilds with commands of their own, which are deleted when DISCORD_GUILD_ID changes: otherwise people would see every
-- command twice.
CREATE TABLE registrations (
    guild_id BIGINT PRIMARY KEY
);

-- Endpoints with everything that is known of each. Scripts read these views; their columns stay.
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
       m.created_at
FROM monitors m
JOIN endpoint_targets t ON t.monitor_id = m.id
LEFT JOIN monitor_state p ON p.monitor_id = m.id;

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
       m.created_at
FROM monitors m
JOIN device_details d ON d.monitor_id = m.id
LEFT JOIN monitor_state p ON p.monitor_id = m.id;

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
       m.created_at
FROM monitors m
JOIN server_details s ON s.monitor_id = m.id
LEFT JOIN monitor_state p ON p.monitor_id = m.id;

-- What the scheduler needs of each endpoint.
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
       p.last_check_at
FROM monitors m
JOIN endpoint_targets t ON t.monitor_id = m.id
LEFT JOIN monitor_state p ON p.monitor_id = m.id;

-- The monitors that each silence covers, and from when to when. A window that has started stays open when the clock is set
-- back: it counts as started at any time.
CREATE VIEW silenced_monitors AS
SELECT x.monitor_id, w.id AS silence_id, w.kind,
       CASE WHEN w.is_started = 1 THEN -9000000000000000 ELSE w.starts_at END AS starts_at, w.ends_at
FROM silence_monitors x
JOIN silences w ON w.id = x.silence_id
UNION ALL
SELECT m.id, w.id, w.kind,
       CASE WHEN w.is_started = 1 THEN -9000000000000000 ELSE w.starts_at END, w.ends_at
FROM monitors m
JOIN silences w ON w.guild_id = m.guild_id AND (w.scope = 'all' OR w.group_name = m.group_name);

-- The open outages, and whether there may be notifications about their monitors when they are not silenced.
CREATE VIEW open_outages AS
SELECT o.id,
       o.guild_id,
       o.monitor_id,
       o.incident_id,
       COALESCE((SELECT a.notify FROM alert_overrides a WHERE a.monitor_id = o.monitor_id), 1) AS notify
FROM outages o
WHERE o.ended_at IS NULL;

-- Outages with the name and the target of their monitor.
CREATE VIEW outage_details AS
SELECT i.id,
       i.incident_id,
       i.monitor_id,
       COALESCE(m.name, i.monitor_name) AS name,
       COALESCE(t.target, i.target) AS target,
       i.reason,
       COALESCE(t.failure_detail, d.failure) AS detail,
       i.started_at,
       i.ended_at,
       i.ended_by,
       i.is_flapping,
       i.continued_by,
       i.joined_revision,
       i.ended_revision,
       i.reply_id,
       m.id IS NOT NULL AS is_known
FROM outages i
LEFT JOIN monitors m ON m.id = i.monitor_id
LEFT JOIN endpoint_targets t ON t.monitor_id = i.monitor_id
LEFT JOIN device_details d ON d.monitor_id = i.monitor_id;

-- The monitors of each incident, each with its latest outage in it and the number of its outages.
CREATE VIEW incident_outages AS
SELECT i.*,
       (SELECT COUNT(*) FROM outages n WHERE n.incident_id = i.incident_id AND n.monitor_id = i.monitor_id) AS times
FROM outage_details i
WHERE NOT EXISTS (
    SELECT 1 FROM outages n WHERE n.incident_id = i.incident_id AND n.monitor_id = i.monitor_id AND n.id > i.id
);

-- The alert settings of each guild with its channel and whether that works.
CREATE VIEW alert_channels AS
SELECT s.*, t.address AS channel_id, t.attempts, t.failing_since, t.suspected_at, t.broken_at, t.broken_reason, t.next_try_at
FROM alert_settings s
JOIN destinations t ON t.guild_id = s.guild_id AND t.kind = 'channel';

-- The audit log for scripts and log shippers, each event with a severity.
CREATE VIEW audit_logs AS
SELECT id,
       guild_id,
       monitor_id,
       kind AS event_type,
       CASE
           WHEN kind IN ('endpoint_offline', 'server_offline', 'alerts_broken', 'webhook_broken') THEN 'error'
           WHEN kind IN ('endpoint_warning', 'endpoint_unknown', 'device_offline', 'server_warning', 'server_overdue') THEN 'warning'
           ELSE 'info'
       END AS severity,
       actor,
       details,
       at AS occurred_at,
       noticed_at AS created_at
FROM events;
