-- How a guild wants to be told: what is left out, when somebody is called again and whom else, and from how many on there is
-- a word about all of them. And what is different for one monitor.

ALTER TABLE alert_settings ADD COLUMN tells_recovery   INTEGER NOT NULL DEFAULT 1;
ALTER TABLE alert_settings ADD COLUMN tells_warnings   INTEGER NOT NULL DEFAULT 1;
ALTER TABLE alert_settings ADD COLUMN remind_after_ms   BIGINT; -- NULL: nobody is called again
ALTER TABLE alert_settings ADD COLUMN escalate_after_ms BIGINT; -- NULL: nobody else is called
ALTER TABLE alert_settings ADD COLUMN escalate_role_id  BIGINT;
ALTER TABLE alert_settings ADD COLUMN escalate_user_id  BIGINT; -- by direct message
ALTER TABLE alert_settings ADD COLUMN mass_count        INTEGER;
ALTER TABLE alert_settings ADD COLUMN mass_percent      INTEGER;
ALTER TABLE alert_settings ADD COLUMN mass_window_ms    BIGINT; -- NULL: nothing is said of many

ALTER TABLE cards ADD COLUMN role_id      BIGINT; -- called instead of the guild's
ALTER TABLE cards ADD COLUMN reminded_at  BIGINT;
ALTER TABLE cards ADD COLUMN escalated_at BIGINT;

CREATE TABLE alert_overrides (
    monitor_id BIGINT  PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    guild_id   BIGINT  NOT NULL,
    is_told    INTEGER NOT NULL,
    role_id    BIGINT                              -- NULL: the guild's
);
CREATE INDEX idx_alert_overrides_guild ON alert_overrides (guild_id);
