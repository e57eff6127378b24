-- Monitors that belong together by a name that people give, and times in which outages are expected: looks go on, incidents
-- are noted as such, and nobody is told.

ALTER TABLE monitors ADD COLUMN group_name TEXT;
CREATE INDEX idx_monitors_group ON monitors (guild_id, group_name) WHERE group_name IS NOT NULL;
ALTER TABLE cards ADD COLUMN group_name TEXT;           -- the one that everything on it belongs to

CREATE TABLE maintenances (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id         BIGINT  NOT NULL,
    title            TEXT    NOT NULL,
    extent           TEXT    NOT NULL CHECK (extent IN ('all', 'group', 'some')),
    group_name       TEXT,                              -- of extent group
    starts_at        BIGINT  NOT NULL,                  -- of the time that runs, or that comes next
    ends_at          BIGINT  NOT NULL,
    days             INTEGER,                           -- weekly: bit 0 is Monday; NULL: once
    minute           INTEGER,                           -- weekly: of the day, by the clocks of the zone
    length_ms        BIGINT,
    zone             TEXT,                              -- an IANA name
    is_running       INTEGER NOT NULL DEFAULT 0,
    discord_event_id BIGINT,                            -- NULL: not asked for yet; 0: Discord did not want it
    created_at       BIGINT  NOT NULL,
    created_by       TEXT    NOT NULL
);
CREATE INDEX idx_maintenances_guild ON maintenances (guild_id, ends_at);

CREATE TABLE maintenance_monitors (
    maintenance_id BIGINT NOT NULL REFERENCES maintenances (id) ON DELETE CASCADE,
    monitor_id     BIGINT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    PRIMARY KEY (maintenance_id, monitor_id)
);

ALTER TABLE incidents ADD COLUMN is_in_maintenance INTEGER NOT NULL DEFAULT 0;

-- By the button under a card: who has declared maintenance of what is on it, and until when.
ALTER TABLE cards ADD COLUMN maintained_until BIGINT;
ALTER TABLE cards ADD COLUMN maintained_by BIGINT;

-- What the recheck by the button under a card has seen, in words.
ALTER TABLE cards ADD COLUMN rechecked_result TEXT;
