CREATE TABLE events (
  id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, occurred_at INTEGER NOT NULL, outcome TEXT NOT NULL,
  unit_price_micros INTEGER NOT NULL, transaction_id TEXT, cpf_reference TEXT NOT NULL
);
CREATE INDEX events_of_tenant ON events (tenant_id, occurred_at);
