-- One message in each guild that always shows the whole roll: where it is, and what it shows.

CREATE TABLE boards (
    guild_id      BIGINT  PRIMARY KEY,
    channel_id    BIGINT  NOT NULL,
    message_id    BIGINT,                      -- NULL: to be posted
    posts         INTEGER NOT NULL DEFAULT 0,  -- messages so far; a new one has a nonce of its own
    shown         BIGINT  NOT NULL DEFAULT 0,  -- a number of what it shows: another number, another roll
    shown_at      BIGINT  NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    next_try_at   BIGINT  NOT NULL DEFAULT 0,
    broken_reason TEXT                         -- why it cannot be shown there; NULL: it can
);
