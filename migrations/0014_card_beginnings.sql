-- Since when people are to know of a card: after a mute or a maintenance that is later than its outages began, and whoever is
-- called again is called so long after that.

ALTER TABLE cards ADD COLUMN begun_at BIGINT NOT NULL DEFAULT 0;
UPDATE cards SET begun_at = opened_at;
