-- Notes of incidents, and acknowledgments with an API key.

ALTER TABLE incidents ADD COLUMN acknowledged_key TEXT; -- the public id of the API key that acknowledged it; NULL: no key did

-- What people and programs wrote about an incident. A limited number of rows is kept for each incident.
CREATE TABLE incident_notes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id BIGINT  NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    guild_id    BIGINT  NOT NULL,
    at          BIGINT  NOT NULL,
    actor       TEXT    NOT NULL, -- as in events
    text        TEXT    NOT NULL
);
CREATE INDEX idx_incident_notes_incident ON incident_notes (incident_id, id);

-- For the list of a guild's incidents, newest first.
CREATE INDEX idx_incidents_outages ON incidents (guild_id, id) WHERE kind = 'incident';
