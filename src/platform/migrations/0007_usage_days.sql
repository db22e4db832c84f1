-- What each tenant's São Paulo day comes to, so that a view over all tenants asks no ledger: counts by outcome and hour, by
-- key, amounts, and a histogram of Claro's durations (domain/ledger/day_sums.ts). Absolute values, as of `last_seq`.
CREATE TABLE usage_days (
  date TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  last_seq INTEGER NOT NULL,
  sums TEXT NOT NULL CHECK (json_valid(sums)),
  PRIMARY KEY (date, tenant_id, mode)
) STRICT, WITHOUT ROWID;
