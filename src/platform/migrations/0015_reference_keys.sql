-- Keys of the references to persons in events, one for each year of São Paulo. `sealed` is encrypted under CPF_HMAC_SECRET
-- (platform/reference_keys.ts). R2 decides which of them there are; this is its copy, for when R2 cannot be asked.
CREATE TABLE reference_keys (
  name TEXT PRIMARY KEY,
  -- Null until the cron has made it.
  sealed TEXT,
  made_at INTEGER NOT NULL
) STRICT;

-- References of before were made under CPF_HMAC_SECRET itself. Where there may be some, it is kept as the key `v1`.
INSERT INTO reference_keys (name, sealed, made_at) SELECT 'v1', NULL, unixepoch() * 1000 WHERE EXISTS (SELECT 1 FROM tenants);
