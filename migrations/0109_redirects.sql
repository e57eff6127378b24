-- Checks follow redirects unless they are told not to. Options that were stored before say 0, because that was the default.
UPDATE endpoint_targets SET http_check = json_set(http_check, '$.max_redirects', 5)
WHERE json_extract(http_check, '$.max_redirects') = 0;
