-- Keys that end soon are asked for over all tenants.
CREATE INDEX api_keys_by_end ON api_keys (expires_at) WHERE revoked_at IS NULL AND expires_at IS NOT NULL;
-- A key that was rotated has a successor: its end is meant.
CREATE INDEX api_keys_by_replaced ON api_keys (replaces) WHERE replaces IS NOT NULL;
