-- How much of several merged observation windows was observed; NULL: all of it.
ALTER TABLE observation_windows ADD COLUMN observed_ms BIGINT;
