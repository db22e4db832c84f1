-- What the cron found to be far from the usual, a row each (gateway/raise_alarms.ts). `tenant_id` is '' where it is the
-- gateway's; `since` is the hour or the day that it is about.
CREATE TABLE alarms (
  kind TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  since TEXT NOT NULL,
  raised_at INTEGER NOT NULL,
  observed INTEGER NOT NULL,
  usual INTEGER NOT NULL,
  PRIMARY KEY (kind, tenant_id, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX alarms_by_time ON alarms (raised_at);
