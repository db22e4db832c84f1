-- Calls to Claro, and charges without an answer, that a ledger could not be told of in time. The sweep delivers them; the
-- call is a `PutRightCall` (domain/ledger/commands.ts), with nothing on a person beyond what an event holds.
CREATE TABLE stray_calls (
  lookup_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  noted_at INTEGER NOT NULL,
  call TEXT NOT NULL CHECK (json_valid(call)),
  tries INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX stray_calls_of_tenant ON stray_calls (tenant_id);
