-- Objectives: how much of a rolling window a monitor, or a user-defined group, is to be online, and what people were notified of.
CREATE TABLE objectives (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id      BIGINT  NOT NULL,
    monitor_id    BIGINT  REFERENCES monitors (id) ON DELETE CASCADE, -- NULL: it is about a group
    group_name    TEXT,                                               -- NULL: it is about a monitor
    milli_percent INTEGER NOT NULL, -- 99900 is 99.9 %
    window_days   INTEGER NOT NULL,
    notified      TEXT    NOT NULL DEFAULT 'met', -- the state of its error budget that people know: met, at_risk or missed
    created_at    BIGINT  NOT NULL,
    CHECK ((monitor_id IS NULL) <> (group_name IS NULL))
);
-- One for each monitor and group. A NULL equals no other one.
CREATE UNIQUE INDEX idx_objectives_monitor ON objectives (monitor_id);
CREATE UNIQUE INDEX idx_objectives_group ON objectives (guild_id, group_name);
