-- Servers that have commands of their own with Discord. When DISCORD_GUILD_ID is changed or taken away these are taken
-- back; otherwise people would see every command twice.

CREATE TABLE registrations (
    guild_id BIGINT PRIMARY KEY
);
