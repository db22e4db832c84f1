-- The copy of the ledgers' events, a flush a row: D1 charges for rows, and a flush brings up to 500 events of one month.
-- `events` is a JSON list, in the order of seq and without a hole.
CREATE TABLE event_batches (
  tenant_id TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
  first_seq INTEGER NOT NULL CHECK (first_seq > 0),
  last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
  events TEXT NOT NULL CHECK (json_array_length(events) = last_seq - first_seq + 1),
  PRIMARY KEY (tenant_id, mode, first_seq)
) STRICT, WITHOUT ROWID;

INSERT INTO event_batches (tenant_id, mode, first_seq, last_seq, events)
SELECT tenant_id, mode, seq, seq, json_array(json_object('seq', seq, 'id', id, 'occurred_at', occurred_at,
  'key_id', key_id, 'reference', reference, 'outcome', outcome, 'billed', billed, 'units', units,
  'unit_price_micros', unit_price_micros, 'amount_micros', amount_micros, 'transaction_id', transaction_id,
  'cpf_reference', cpf_reference, 'kind', kind, 'corrects', corrects))
FROM events;

DROP TABLE events;

-- No event is there twice: a batch takes the place of those within it, and none begins within another.
CREATE TRIGGER event_batches_do_not_overlap BEFORE INSERT ON event_batches WHEN NEW.first_seq <= (
  SELECT last_seq FROM event_batches
  WHERE tenant_id = NEW.tenant_id AND mode = NEW.mode AND first_seq < NEW.first_seq ORDER BY first_seq DESC LIMIT 1)
BEGIN SELECT raise(ABORT, 'the events are in an earlier batch'); END;
CREATE TRIGGER event_batches_take_places AFTER INSERT ON event_batches WHEN NEW.last_seq > NEW.first_seq
BEGIN DELETE FROM event_batches WHERE tenant_id = NEW.tenant_id AND mode = NEW.mode
  AND first_seq > NEW.first_seq AND first_seq <= NEW.last_seq; END;
CREATE TRIGGER event_batches_grow AFTER UPDATE ON event_batches WHEN NEW.last_seq > OLD.last_seq
BEGIN DELETE FROM event_batches WHERE tenant_id = NEW.tenant_id AND mode = NEW.mode
  AND first_seq > NEW.first_seq AND first_seq <= NEW.last_seq; END;

-- For people: an event a row.
CREATE VIEW events AS
SELECT batch.tenant_id, batch.mode, event.value->>'seq' AS seq, event.value->>'id' AS id,
  event.value->>'occurred_at' AS occurred_at, event.value->>'key_id' AS key_id, event.value->>'reference' AS reference,
  event.value->>'outcome' AS outcome, event.value->>'billed' AS billed, event.value->>'units' AS units,
  event.value->>'unit_price_micros' AS unit_price_micros, event.value->>'amount_micros' AS amount_micros,
  event.value->>'transaction_id' AS transaction_id, event.value->>'cpf_reference' AS cpf_reference,
  event.value->>'kind' AS kind, event.value->>'corrects' AS corrects
FROM event_batches AS batch, json_each(batch.events) AS event;
