-- Checks follow up to 5 redirects by default. The default was 0, so stored options contain 0. Options that are no valid JSON
-- stay as they are; Rollcall skips their endpoint.
UPDATE endpoint_targets SET http_check = json_set(http_check, '$.max_redirects', 5)
WHERE CASE WHEN json_valid(http_check) THEN json_extract(http_check, '$.max_redirects') END = 0;
