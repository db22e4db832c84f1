-- What an operator has asked to be corrected. The ledger makes the event of it; without a seq it has yet to.
CREATE TABLE adjustments (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  units INTEGER NOT NULL,
  amount_micros INTEGER NOT NULL,
  reason TEXT NOT NULL,
  corrects TEXT,
  seq INTEGER,
  occurred_at INTEGER,
  PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX adjustments_waiting ON adjustments (created_at) WHERE seq IS NULL;

-- Reports of Claro that were compared, by period and the SHA-256 of the report.
CREATE TABLE reconciliations (
  period TEXT NOT NULL,
  report_sha256 TEXT NOT NULL,
  reconciled_at INTEGER NOT NULL,
  matched INTEGER NOT NULL,
  unknown_resolved INTEGER NOT NULL,
  delta INTEGER NOT NULL,
  PRIMARY KEY (period, report_sha256)
) STRICT, WITHOUT ROWID;

-- Lookups that ended as unknown and that Claro says it answered: a cost for certain, and still no charge.
CREATE TABLE resolved_unknowns (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  period TEXT NOT NULL,
  seq INTEGER NOT NULL,
  lookup_id TEXT NOT NULL,
  -- Claro's, where its report has one.
  transaction_id TEXT,
  resolved_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, period, seq)
) STRICT, WITHOUT ROWID;
