-- What Claro charges the operator from a month on, for all tenants together.
CREATE TABLE upstream_prices (
  period TEXT PRIMARY KEY,
  tiers TEXT NOT NULL CHECK (json_valid(tiers)),
  set_at INTEGER NOT NULL
) STRICT;

-- A comparison with a report of Claro. Its rows, its state and its result are in R2, under `reconciliations/<id>/`.
CREATE TABLE reconciliation_runs (
  id TEXT PRIMARY KEY,
  period TEXT NOT NULL,
  report_sha256 TEXT NOT NULL,
  actor TEXT NOT NULL,
  lines INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  -- How many of its steps are done, and of how many; a step is a tenant in one part of the report.
  done INTEGER NOT NULL DEFAULT 0,
  steps INTEGER NOT NULL DEFAULT 0,
  finished_at INTEGER,
  -- Lookups that only one side has and that nothing explains.
  unexplained INTEGER,
  failure TEXT
) STRICT;
CREATE INDEX reconciliation_runs_of_period ON reconciliation_runs (period, started_at, id);
CREATE INDEX reconciliation_runs_waiting ON reconciliation_runs (started_at, id) WHERE finished_at IS NULL;

-- Lookups of the first and last minutes of a month that its report does not name: the neighbour's may.
CREATE TABLE edge_lookups (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  period TEXT NOT NULL,
  seq INTEGER NOT NULL,
  neighbour TEXT NOT NULL,
  lookup_id TEXT NOT NULL,
  -- Whose report names it; null while none does.
  matched_in TEXT,
  PRIMARY KEY (tenant_id, period, seq)
) STRICT, WITHOUT ROWID;
