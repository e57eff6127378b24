-- What goes down and comes back again and again is told once: its card is taken up again instead of a new one.

ALTER TABLE cards ADD COLUMN flapping_since BIGINT;
ALTER TABLE cards ADD COLUMN settled_at BIGINT;     -- quiet for long enough after that
CREATE INDEX idx_cards_flapping ON cards (ended_at) WHERE flapping_since IS NOT NULL AND settled_at IS NULL;
CREATE INDEX idx_incidents_monitor ON incidents (monitor_id, id);
