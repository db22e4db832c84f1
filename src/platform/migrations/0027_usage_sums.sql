-- Sums of the days before a date, so that a reading costs the same however long the history is: what days since then come
-- to is added by the reader (platform/usage_sums.ts). The cron moves the date once a day: a row a copy would be a tenth of
-- what a lookup of a small tenant costs.
CREATE TABLE usage_months (
  period TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  billed INTEGER NOT NULL,
  amount_micros INTEGER NOT NULL,
  adjustment_micros INTEGER NOT NULL,
  -- What Claro may charge for: delivered and unknown.
  claro_units INTEGER NOT NULL,
  PRIMARY KEY (period, tenant_id, mode)
) STRICT, WITHOUT ROWID;

-- Of all tenants and months. The lists are as long as those of a day (domain/ledger/day_sums.ts).
CREATE TABLE usage_totals (
  mode TEXT PRIMARY KEY CHECK (mode IN ('live', 'test')),
  before_date TEXT NOT NULL DEFAULT '',
  billed INTEGER NOT NULL DEFAULT 0,
  amount_micros INTEGER NOT NULL DEFAULT 0,
  adjustments INTEGER NOT NULL DEFAULT 0,
  adjustment_micros INTEGER NOT NULL DEFAULT 0,
  claro_ms_total INTEGER NOT NULL DEFAULT 0,
  admit_ms_total INTEGER NOT NULL DEFAULT 0,
  counts TEXT NOT NULL DEFAULT '[0,0,0,0,0]',
  claro_ms TEXT NOT NULL DEFAULT '[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]',
  admit_ms TEXT NOT NULL DEFAULT '[0,0,0,0,0,0,0,0,0,0,0,0,0]'
) STRICT, WITHOUT ROWID;
INSERT INTO usage_totals (mode) VALUES ('live');

-- A day that became another one after its sums were taken: the difference is added, and what is inserted is kept nowhere.
-- It is a table and no view: a dump of D1 makes triggers before views.
CREATE TABLE usage_changes (
  date TEXT NOT NULL, tenant_id TEXT NOT NULL, mode TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL
) STRICT;
CREATE TRIGGER usage_changes_are_summed BEFORE INSERT ON usage_changes BEGIN
  INSERT INTO usage_months (period, tenant_id, mode, billed, amount_micros, adjustment_micros, claro_units)
  SELECT substr(NEW.date, 1, 7), NEW.tenant_id, NEW.mode,
    coalesce(NEW.after->>'$.billed', 0) - coalesce(NEW.before->>'$.billed', 0),
    coalesce(NEW.after->>'$.amountMicros', 0) - coalesce(NEW.before->>'$.amountMicros', 0),
    coalesce(NEW.after->>'$.adjustmentMicros', 0) - coalesce(NEW.before->>'$.adjustmentMicros', 0),
    coalesce(NEW.after->>'$.counts[0]', 0) + coalesce(NEW.after->>'$.counts[4]', 0)
      - coalesce(NEW.before->>'$.counts[0]', 0) - coalesce(NEW.before->>'$.counts[4]', 0) WHERE true
  ON CONFLICT DO UPDATE SET billed = billed + excluded.billed, amount_micros = amount_micros + excluded.amount_micros,
    adjustment_micros = adjustment_micros + excluded.adjustment_micros, claro_units = claro_units + excluded.claro_units;
  UPDATE usage_totals SET
    billed = billed + coalesce(NEW.after->>'$.billed', 0) - coalesce(NEW.before->>'$.billed', 0),
    amount_micros = amount_micros + coalesce(NEW.after->>'$.amountMicros', 0)
      - coalesce(NEW.before->>'$.amountMicros', 0),
    adjustments = adjustments + coalesce(NEW.after->>'$.adjustments', 0) - coalesce(NEW.before->>'$.adjustments', 0),
    adjustment_micros = adjustment_micros + coalesce(NEW.after->>'$.adjustmentMicros', 0)
      - coalesce(NEW.before->>'$.adjustmentMicros', 0),
    claro_ms_total = claro_ms_total + coalesce(NEW.after->>'$.claroMsTotal', 0)
      - coalesce(NEW.before->>'$.claroMsTotal', 0),
    admit_ms_total = admit_ms_total + coalesce(NEW.after->>'$.admitMsTotal', 0)
      - coalesce(NEW.before->>'$.admitMsTotal', 0),
    counts = (SELECT json_group_array(value + coalesce(NEW.after->>('$.counts[' || key || ']'), 0)
      - coalesce(NEW.before->>('$.counts[' || key || ']'), 0)) FROM json_each(usage_totals.counts)),
    claro_ms = (SELECT json_group_array(value + coalesce(NEW.after->>('$.claroMs[' || key || ']'), 0)
      - coalesce(NEW.before->>('$.claroMs[' || key || ']'), 0)) FROM json_each(usage_totals.claro_ms)),
    admit_ms = (SELECT json_group_array(value + coalesce(NEW.after->>('$.admitMs[' || key || ']'), 0)
      - coalesce(NEW.before->>('$.admitMs[' || key || ']'), 0)) FROM json_each(usage_totals.admit_ms))
  WHERE mode = NEW.mode;
  SELECT raise(IGNORE);
END;
CREATE TRIGGER usage_days_come AFTER INSERT ON usage_days
WHEN NEW.date < (SELECT before_date FROM usage_totals WHERE mode = NEW.mode)
BEGIN INSERT INTO usage_changes VALUES (NEW.date, NEW.tenant_id, NEW.mode, '{}', NEW.sums); END;
CREATE TRIGGER usage_days_change AFTER UPDATE ON usage_days
WHEN NEW.date < (SELECT before_date FROM usage_totals WHERE mode = NEW.mode)
BEGIN INSERT INTO usage_changes VALUES (NEW.date, NEW.tenant_id, NEW.mode, OLD.sums, NEW.sums); END;
CREATE TRIGGER usage_days_leave AFTER DELETE ON usage_days
WHEN OLD.date < (SELECT before_date FROM usage_totals WHERE mode = OLD.mode)
BEGIN INSERT INTO usage_changes VALUES (OLD.date, OLD.tenant_id, OLD.mode, OLD.sums, '{}'); END;
