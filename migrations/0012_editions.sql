-- Which edition of an endpoint a look was taken of: what was seen of an older one says nothing about what is there now.

ALTER TABLE endpoint_targets ADD COLUMN edition INTEGER NOT NULL DEFAULT 0;
