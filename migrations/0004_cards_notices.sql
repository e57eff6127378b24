-- Telling people: where each guild wants to be told, the cards that incidents are told on, and the outbox.
--
-- A notice does not hold what to say. It says that a destination must be brought up to the state of a card: what is told
-- is what is true when it is told, so a "down" can never come after the "up", and a card that changed ten times while
-- Discord was away is told once. Nothing is untold while told_version equals the card's version.

CREATE TABLE alert_settings (
    guild_id      BIGINT PRIMARY KEY,
    channel_id    BIGINT NOT NULL,
    role_id       BIGINT,                    -- mentioned when a card opens; NULL: nobody
    broken_reason TEXT,                      -- why the channel cannot be written to; NULL: it can
    broken_at     BIGINT
);

CREATE TABLE cards (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id        BIGINT  NOT NULL,
    scope           TEXT    NOT NULL,        -- what its incidents share: host=…, subnet=…, or nothing
    version         INTEGER NOT NULL DEFAULT 1,
    opened_at       BIGINT  NOT NULL,
    joined_at       BIGINT  NOT NULL,        -- when an incident last joined it
    ended_at        BIGINT,
    acknowledged_at BIGINT,
    acknowledged_by BIGINT,                  -- a Discord user
    rechecked_at    BIGINT,
    rechecked_by    BIGINT
);
CREATE INDEX idx_cards_open ON cards (guild_id, joined_at) WHERE ended_at IS NULL;

CREATE TABLE notices (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id     BIGINT  NOT NULL,
    card_id      BIGINT  NOT NULL REFERENCES cards (id) ON DELETE CASCADE,
    destination  TEXT    NOT NULL CHECK (destination IN ('channel')),
    told_version INTEGER NOT NULL DEFAULT 0,
    posts        INTEGER NOT NULL DEFAULT 0, -- messages that were posted for it; one, unless one went away
    channel_id   BIGINT,                     -- where its message is
    message_id   BIGINT,
    attempts     INTEGER NOT NULL DEFAULT 0, -- that failed in a row
    next_try_at  BIGINT  NOT NULL DEFAULT 0,
    UNIQUE (card_id, destination)
);

ALTER TABLE incidents ADD COLUMN card_id BIGINT;
CREATE INDEX idx_incidents_card ON incidents (card_id) WHERE card_id IS NOT NULL;
