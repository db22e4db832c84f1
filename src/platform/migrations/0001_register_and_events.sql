-- The register: who the tenants are and which keys they have. The ledgers and KV are projections of it.
CREATE TABLE tenants (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  document TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  plan TEXT NOT NULL CHECK (json_valid(plan)),
  status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
  created_at INTEGER NOT NULL,
  -- Grows with every change of the tenant or its keys; behind it, a ledger has yet to be told.
  version INTEGER NOT NULL DEFAULT 1,
  projected_version INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tenants_in_order ON tenants (created_at, id);

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  label TEXT,
  secret_hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL CHECK (json_valid(scopes)),
  allowed_ips TEXT NOT NULL CHECK (json_valid(allowed_ips)),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  replaces TEXT REFERENCES api_keys (id),
  -- Whether KV holds it yet.
  in_directory INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id, created_at, id);

-- Who did what, when, to what. Nothing in it ever changes.
CREATE TABLE audit (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  before TEXT CHECK (before IS NULL OR json_valid(before)),
  after TEXT CHECK (after IS NULL OR json_valid(after))
) STRICT;
CREATE TRIGGER audit_is_not_updated BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;

-- A copy of the ledgers' events, for exports. One row, one write: the key is the table.
CREATE TABLE events (
  tenant_id TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  seq INTEGER NOT NULL CHECK (seq > 0),
  id TEXT NOT NULL,
  occurred_at INTEGER NOT NULL,
  key_id TEXT,
  reference TEXT,
  outcome TEXT CHECK (outcome IN ('delivered', 'not_found', 'rejected', 'failed', 'unknown')),
  billed INTEGER NOT NULL CHECK (billed IN (0, 1)),
  units INTEGER NOT NULL,
  unit_price_micros INTEGER,
  amount_micros INTEGER NOT NULL,
  transaction_id TEXT,
  cpf_reference TEXT,
  kind TEXT NOT NULL CHECK (kind IN ('lookup', 'adjustment')),
  corrects TEXT,
  PRIMARY KEY (tenant_id, mode, seq)
) STRICT, WITHOUT ROWID;
