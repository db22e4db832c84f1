-- A lookup's id tells when it began: with the first and last time of each batch it is found without its tenant.
CREATE INDEX event_batches_by_time ON event_batches (events->>'$[0].occurred_at', events->>'$[#-1].occurred_at');
