-- The month of what an adjustment corrects: a lookup's, or the one that it names.
ALTER TABLE adjustments ADD COLUMN corrects_period TEXT;
UPDATE adjustments SET corrects_period = corrects WHERE corrects GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]';
CREATE INDEX adjustments_by_correction ON adjustments (tenant_id, corrects_period, corrects);
