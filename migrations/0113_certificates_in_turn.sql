-- Servers behind one address may show two certificates in turn, so what was announced is kept for the last two of them.
-- `certificate_announced_days` and `certificate_announced_expiry` are about one, these columns about the other.
ALTER TABLE endpoint_targets ADD COLUMN certificate_announced_days_2 INTEGER;  -- NULL: there is no second one
ALTER TABLE endpoint_targets ADD COLUMN certificate_announced_expiry_2 BIGINT;
