-- REPLACE takes a row away without firing a DELETE trigger.
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE n = NEW.n)
BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
