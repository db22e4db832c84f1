-- Who operates the gateway. Of a token only a hash is kept.
CREATE TABLE operators (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  -- In lower case: what Cloudflare Access vouches for.
  email TEXT,
  roles TEXT NOT NULL CHECK (json_array_length(roles) > 0),
  token_hash TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX operators_by_email ON operators (email) WHERE email IS NOT NULL AND revoked_at IS NULL;
