-- Monitors that changed their status so often that their oldest spans were deleted. Before this moment, the start of a day in UTC,
-- only the figures of their days are known.
CREATE TABLE span_limits (
    monitor_id INTEGER PRIMARY KEY,
    exact_from BIGINT NOT NULL
);
