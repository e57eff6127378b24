-- A guild gets one welcome message each time that the bot joins it. Guilds that are known already get none.
ALTER TABLE guilds ADD COLUMN welcomed_at BIGINT; -- when Rollcall claimed the message, before it sent it; NULL: not yet
UPDATE guilds SET welcomed_at = joined_at;
