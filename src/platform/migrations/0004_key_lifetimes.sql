-- How long a key was made to live: its successor lives as long. Its end can be drawn nearer by a rotation.
ALTER TABLE api_keys ADD COLUMN lifetime_ms INTEGER;
UPDATE api_keys SET lifetime_ms = expires_at - created_at WHERE expires_at IS NOT NULL;
