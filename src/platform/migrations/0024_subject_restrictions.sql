-- Persons whose lookups are refused. `subject` is a keyed hash of the CPF, under a key that does not end with a year
-- (platform/reference_keys.ts). R2 remembers each restriction too (platform/restrictions.ts), for a D1 that was restored.
CREATE TABLE subject_restrictions (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  -- When it ends by itself; null for never.
  until_at INTEGER,
  ended_at INTEGER,
  ended_by TEXT
) STRICT;
CREATE INDEX subject_restrictions_in_force ON subject_restrictions (subject, until_at) WHERE ended_at IS NULL;
CREATE INDEX subject_restrictions_by_time ON subject_restrictions (created_at, id);
