-- Each entry's hash, over its content and the hash before it (domain/audit_chain.ts). Appended by the cron and before a
-- reading: it follows from the audit alone, so whoever computes it writes the same, and it cannot fork.
CREATE TABLE audit_chain (
  n INTEGER PRIMARY KEY,
  hash TEXT NOT NULL CHECK (length(hash) = 64)
) STRICT;
CREATE TRIGGER audit_chain_is_not_updated BEFORE UPDATE ON audit_chain
BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_chain_is_not_deleted BEFORE DELETE ON audit_chain
BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
CREATE INDEX audit_by_action ON audit (action, n);
