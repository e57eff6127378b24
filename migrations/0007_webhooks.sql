-- Beside its channel, a guild can have webhooks told; each has rows of its own in the outbox and waits of its own. And a card
-- can tell of something else than outages: kind says of what, facts holds what belongs to it.

CREATE TABLE webhooks (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id        BIGINT  NOT NULL,
    name            TEXT    NOT NULL,
    url             TEXT    NOT NULL,           -- a secret: whoever has it can write there
    format          TEXT    NOT NULL,
    signing_key     TEXT    NOT NULL,           -- whsec_…; needed whole to sign with
    created_at      BIGINT  NOT NULL,
    created_by      TEXT    NOT NULL,           -- an actor, as in events
    last_told_at    BIGINT,
    attempts        INTEGER NOT NULL DEFAULT 0, -- that failed in a row
    failing_since   BIGINT,
    next_try_at     BIGINT  NOT NULL DEFAULT 0,
    disabled_reason TEXT,                       -- why nothing is sent any more; NULL: it is
    disabled_at     BIGINT,
    UNIQUE (guild_id, name)
);

ALTER TABLE cards ADD COLUMN kind TEXT NOT NULL DEFAULT 'incident';
ALTER TABLE cards ADD COLUMN facts TEXT;

CREATE TABLE webhook_notices (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    card_id      BIGINT  NOT NULL REFERENCES cards (id) ON DELETE CASCADE,
    webhook_id   BIGINT  NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    told_version INTEGER NOT NULL DEFAULT 0,
    UNIQUE (webhook_id, card_id)
);
CREATE INDEX idx_webhook_notices_card ON webhook_notices (card_id);
