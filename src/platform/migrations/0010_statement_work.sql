-- What keeps a tenant's month from being closed or archived. It is tried again at `retry_at`, later after each failure.
CREATE TABLE statement_problems (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  period TEXT NOT NULL,
  step TEXT NOT NULL CHECK (step IN ('close', 'archive')),
  reason TEXT NOT NULL,
  seq INTEGER,
  failures INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  retry_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, period, step)
) STRICT, WITHOUT ROWID;

-- When R2 had the month's `closed.json`, which is what makes it closed. Months closed before there was one get it later.
ALTER TABLE statements ADD COLUMN sealed_at INTEGER;
CREATE INDEX statements_not_sealed ON statements (closed_at, tenant_id, period) WHERE sealed_at IS NULL;

-- Signatures of a key count within its validity, and not at all once it is disowned.
ALTER TABLE export_keys ADD COLUMN valid_until INTEGER;
ALTER TABLE export_keys ADD COLUMN revoked_at INTEGER;
