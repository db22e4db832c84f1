-- One row is one closed month of one tenant. It is written last, after its files: what has a row is closed, what has
-- none is open, and the first row to arrive is the only one.
CREATE TABLE statements (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  period TEXT NOT NULL,
  closed_at INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  -- What the names of its files in R2 start with.
  prefix TEXT NOT NULL,
  -- manifest.json, byte for byte.
  manifest TEXT NOT NULL CHECK (json_valid(manifest)),
  manifest_sha256 TEXT NOT NULL,
  -- When its files had been read back and their hashes had been right.
  archived_at INTEGER,
  -- When its events had left D1.
  pruned_at INTEGER,
  PRIMARY KEY (tenant_id, period)
) STRICT, WITHOUT ROWID;
CREATE INDEX statements_in_d1 ON statements (closed_at, tenant_id, period) WHERE pruned_at IS NULL;
CREATE TRIGGER statements_are_frozen
  BEFORE UPDATE OF tenant_id, period, closed_at, first_seq, last_seq, prefix, manifest, manifest_sha256 ON statements
  BEGIN SELECT raise(ABORT, 'a closed statement does not change'); END;
CREATE TRIGGER statements_are_kept BEFORE DELETE ON statements
  BEGIN SELECT raise(ABORT, 'a closed statement does not change'); END;

-- A month that is being closed for all tenants, or has been. The cursor is the tenant that was begun last.
CREATE TABLE closings (
  period TEXT PRIMARY KEY,
  started_at INTEGER NOT NULL,
  cursor_at INTEGER NOT NULL DEFAULT 0,
  cursor_id TEXT NOT NULL DEFAULT '',
  completed_at INTEGER
) STRICT;

-- The public half of every key that ever signed a manifest.
CREATE TABLE export_keys (
  kid TEXT PRIMARY KEY,
  x TEXT NOT NULL,
  first_used_at INTEGER NOT NULL
) STRICT;
