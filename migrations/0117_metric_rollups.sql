-- What is kept of the reports of servers when they are deleted, after three days; and how far the runs of devices are packed.

-- Of each number that a server reports, the least, the mean, the most and the 95th percentile of each hour. The hours of a day are
-- one row, so that the names of the numbers stand there once.
CREATE TABLE hourly_metrics (
    id         INTEGER PRIMARY KEY,
    monitor_id BIGINT  NOT NULL,
    block      INTEGER NOT NULL, -- the day (UTC), in days since 1970-01-01
    metrics    BLOB    NOT NULL
);
CREATE UNIQUE INDEX idx_hourly_metrics ON hourly_metrics (monitor_id, block);
CREATE INDEX idx_hourly_metrics_block ON hourly_metrics (block);

-- The same of each day (UTC); 32 days are one row.
CREATE TABLE daily_metrics (
    id         INTEGER PRIMARY KEY,
    monitor_id BIGINT  NOT NULL,
    block      INTEGER NOT NULL, -- days since 1970-01-01, divided by 32
    metrics    BLOB    NOT NULL
);
CREATE UNIQUE INDEX idx_daily_metrics ON daily_metrics (monitor_id, block);
CREATE INDEX idx_daily_metrics_block ON daily_metrics (block);

-- When the reports of an hour came. Thresholds are proposed by those of a week.
CREATE TABLE report_times (
    monitor_id BIGINT  NOT NULL,
    hour       INTEGER NOT NULL, -- hours since 1970-01-01
    times      BLOB    NOT NULL,
    PRIMARY KEY (monitor_id, hour)
) WITHOUT ROWID;
CREATE INDEX idx_report_times_hour ON report_times (hour);

-- How far that is done: every hour before this one, and every day that ends before it.
CREATE TABLE rolled_up_servers (
    monitor_id INTEGER PRIMARY KEY,
    hour       INTEGER NOT NULL -- hours since 1970-01-01
);

-- The last row of the logs of devices whose run is in the figures of its day.
ALTER TABLE packing ADD COLUMN packed_run INTEGER NOT NULL DEFAULT 0;
