-- What documents for people say of a tenant besides its CNPJ.
ALTER TABLE tenants ADD COLUMN legal_name TEXT;
ALTER TABLE tenants ADD COLUMN email TEXT;

-- One CNPJ, one tenant, unless the operator says otherwise.
CREATE INDEX tenants_by_document ON tenants (document);
