-- Status pages: monitors under public names, at an address that anybody can open.
CREATE TABLE status_pages (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id      BIGINT  NOT NULL,
    slug          TEXT    NOT NULL UNIQUE, -- unique among all guilds, because it is in the address
    title         TEXT    NOT NULL,
    about         TEXT    NOT NULL DEFAULT '', -- Markdown
    shows_latency INTEGER NOT NULL DEFAULT 0,
    created_at    BIGINT  NOT NULL
);
CREATE INDEX idx_status_pages_guild ON status_pages (guild_id, slug);

CREATE TABLE status_page_items (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    page_id    BIGINT  NOT NULL REFERENCES status_pages (id) ON DELETE CASCADE,
    monitor_id BIGINT  NOT NULL, -- no reference: the item of a removed monitor stays
    key        TEXT    NOT NULL, -- in addresses of badges
    name       TEXT    NOT NULL, -- the public one
    group_name TEXT,             -- the heading above it; NULL: none
    position   INTEGER NOT NULL  -- the page shows its items in this order
);
CREATE UNIQUE INDEX idx_status_page_items_key ON status_page_items (page_id, key);
CREATE UNIQUE INDEX idx_status_page_items_monitor ON status_page_items (page_id, monitor_id);
