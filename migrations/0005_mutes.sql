-- Which monitors people want to hear nothing of for a while. Looks and reports go on, and incidents are noted; only nothing
-- is told.

CREATE TABLE mutes (
    guild_id   BIGINT NOT NULL,
    monitor_id BIGINT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    until      BIGINT NOT NULL,
    muted_by   TEXT   NOT NULL,              -- an actor, as in events
    PRIMARY KEY (monitor_id)
);
CREATE INDEX idx_mutes_until ON mutes (until);

-- By the button under a card: who muted what is on it, and until when.
ALTER TABLE cards ADD COLUMN muted_until BIGINT;
ALTER TABLE cards ADD COLUMN muted_by BIGINT;
