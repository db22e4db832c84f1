-- What all tenants together come to on a day that is over, so that the overview reads a row a day of the past and not one of
-- each tenant. The cron takes it (platform/usage_days.ts). What a late copy changes is forgotten here and summed anew by
-- each reading, until the cron takes it again.
CREATE TABLE usage_of_all (
  date TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  counts TEXT NOT NULL,
  billed INTEGER NOT NULL,
  amount_micros INTEGER NOT NULL,
  claro_ms TEXT NOT NULL,
  -- By hour, "00" to "23".
  hours TEXT NOT NULL,
  PRIMARY KEY (date, mode)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER usage_of_all_with_come AFTER INSERT ON usage_days
BEGIN DELETE FROM usage_of_all WHERE date = NEW.date AND mode = NEW.mode; END;
CREATE TRIGGER usage_of_all_with_change AFTER UPDATE ON usage_days
BEGIN DELETE FROM usage_of_all WHERE date = NEW.date AND mode = NEW.mode; END;
CREATE TRIGGER usage_of_all_with_leave AFTER DELETE ON usage_days
BEGIN DELETE FROM usage_of_all WHERE date = OLD.date AND mode = OLD.mode; END;

-- What tenants on an allowance have used of it up to a day, for it is counted over all of their days: the cron takes it once
-- a day, and what changes a day of before is added here.
CREATE TABLE usage_allowances (
  tenant_id TEXT PRIMARY KEY,
  through_date TEXT NOT NULL,
  used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER usage_allowances_with_come AFTER INSERT ON usage_days WHEN NEW.mode = 'live' BEGIN
  UPDATE usage_allowances SET used = used
    + (NEW.sums->>'$.counts[0]') + (NEW.sums->>'$.counts[1]') + (NEW.sums->>'$.counts[2]') + (NEW.sums->>'$.counts[4]')
  WHERE tenant_id = NEW.tenant_id AND through_date >= NEW.date;
END;
CREATE TRIGGER usage_allowances_with_change AFTER UPDATE ON usage_days WHEN NEW.mode = 'live' BEGIN
  UPDATE usage_allowances SET used = used
    + (NEW.sums->>'$.counts[0]') + (NEW.sums->>'$.counts[1]') + (NEW.sums->>'$.counts[2]') + (NEW.sums->>'$.counts[4]')
    - (OLD.sums->>'$.counts[0]') - (OLD.sums->>'$.counts[1]') - (OLD.sums->>'$.counts[2]') - (OLD.sums->>'$.counts[4]')
  WHERE tenant_id = NEW.tenant_id AND through_date >= NEW.date;
END;
CREATE TRIGGER usage_allowances_with_leave AFTER DELETE ON usage_days WHEN OLD.mode = 'live' BEGIN
  UPDATE usage_allowances SET used = used
    - (OLD.sums->>'$.counts[0]') - (OLD.sums->>'$.counts[1]') - (OLD.sums->>'$.counts[2]') - (OLD.sums->>'$.counts[4]')
  WHERE tenant_id = OLD.tenant_id AND through_date >= OLD.date;
END;
