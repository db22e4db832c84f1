-- More is known of an event. What was recorded before has no such fields in its batch: they are null here.
DROP VIEW events;

CREATE VIEW events AS
SELECT batch.tenant_id, batch.mode, event.value->>'seq' AS seq, event.value->>'id' AS id,
  event.value->>'occurred_at' AS occurred_at, event.value->>'admitted_at' AS admitted_at,
  event.value->>'admit_ms' AS admit_ms, event.value->>'key_id' AS key_id, event.value->>'reference' AS reference,
  event.value->>'customer_id' AS customer_id, event.value->>'outcome' AS outcome,
  event.value->>'failure_code' AS failure_code, event.value->>'upstream_status' AS upstream_status,
  event.value->>'billed' AS billed, event.value->>'units' AS units,
  event.value->>'unit_price_micros' AS unit_price_micros, event.value->>'amount_micros' AS amount_micros,
  event.value->>'price_version' AS price_version, event.value->>'transaction_id' AS transaction_id,
  event.value->>'cpf_reference' AS cpf_reference, event.value->>'purpose' AS purpose,
  event.value->>'legal_basis' AS legal_basis, event.value->>'consent_id' AS consent_id,
  event.value->>'requested_by' AS requested_by, event.value->>'request_id' AS request_id,
  event.value->>'claro_ms' AS claro_ms, event.value->>'kind' AS kind, event.value->>'corrects' AS corrects,
  event.value->>'period' AS period, event.value->>'day' AS day
FROM event_batches AS batch, json_each(batch.events) AS event;
