-- What a ledger is told beside plan and keys: a plan that follows at an instant, fields that a lookup must have, and limits
-- and defaults of a key. `lifted_at`: when the version was put above a ledger's after D1 had been restored.
ALTER TABLE tenants ADD COLUMN next_plan TEXT CHECK (next_plan IS NULL OR json_valid(next_plan));
ALTER TABLE tenants ADD COLUMN next_plan_from INTEGER;
ALTER TABLE tenants ADD COLUMN requires TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(requires));
ALTER TABLE tenants ADD COLUMN lifted_at INTEGER;
ALTER TABLE api_keys ADD COLUMN limits TEXT CHECK (limits IS NULL OR json_valid(limits));
ALTER TABLE api_keys ADD COLUMN defaults TEXT CHECK (defaults IS NULL OR json_valid(defaults));
