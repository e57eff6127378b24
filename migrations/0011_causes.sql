-- What is at fault as far as the facts go, on the card of what is down: a word, and the facts as JSON.

ALTER TABLE cards ADD COLUMN cause TEXT;

-- How much waits to be told for the first time is asked at every outage.
CREATE INDEX idx_notices_untold ON notices (guild_id) WHERE told_version = 0;
CREATE INDEX idx_webhook_notices_untold ON webhook_notices (webhook_id) WHERE told_version = 0;
