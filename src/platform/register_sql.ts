const TENANT_COLUMNS = `id, name, document, legal_name, email, customer_id, plan, status, created_at, version, next_plan,
  next_plan_from, requires`;
const KEY_COLUMNS = `id, tenant_id, mode, label, secret_hash, scopes, allowed_ips, created_at, expires_at, revoked_at,
  lifetime_ms, replaces, in_directory, limits, defaults`;

/** The statements of the register, by what they do. */
export const SQL = {
  insertTenant: `
    INSERT INTO tenants (id, name, document, legal_name, email, customer_id, plan, status, created_at, requires)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE true`,
  updateTenant: `
    UPDATE tenants SET name = ?, document = ?, legal_name = ?, email = ?, customer_id = ?, plan = ?, status = ?,
      next_plan = ?, next_plan_from = ?, requires = ?, version = version + 1
    WHERE id = ?`,
  tenantOfDocument: `SELECT id FROM tenants WHERE document = ? AND id <> ? ORDER BY created_at, id LIMIT 1`,
  tenant: `SELECT ${TENANT_COLUMNS} FROM tenants WHERE id = ?`,
  tenants: `
    SELECT ${TENANT_COLUMNS} FROM tenants WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?`,
  countTenants: `SELECT count(*) AS n, count(*) FILTER (WHERE (created_at, id) <= (?, ?)) AS through FROM tenants`,
  // In no order: those that cannot be projected do not keep the others waiting.
  unprojected: `SELECT id FROM tenants WHERE projected_version < version ORDER BY random() LIMIT ?`,
  liftTenant: `UPDATE tenants SET version = max(version, ?1) + 1, lifted_at = ?2 WHERE id = ?3`,
  lifted: `SELECT id, lifted_at FROM tenants WHERE lifted_at > ? ORDER BY lifted_at DESC LIMIT 100`,
  // D1 and R2 have what is in here: a ledger below it has lost events.
  knownSeq: `
    SELECT max(coalesce((SELECT last_seq FROM event_batches WHERE tenant_id = ?1 AND mode = 'live'
        ORDER BY first_seq DESC LIMIT 1), 0),
      coalesce((SELECT max(last_seq) FROM statements WHERE tenant_id = ?1), 0)) AS seq`,
  touchTenant: `UPDATE tenants SET version = version + 1 WHERE id = ?`,
  isProjected: `SELECT projected_version >= version AS is_projected FROM tenants WHERE id = ?`,
  setProjected: `UPDATE tenants SET projected_version = max(projected_version, ?) WHERE id = ?`,
  insertKey: `
    INSERT INTO api_keys (id, tenant_id, mode, label, secret_hash, scopes, allowed_ips, created_at, expires_at,
      lifetime_ms, replaces, limits, defaults) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE true`,
  key: `SELECT ${KEY_COLUMNS} FROM api_keys WHERE id = ?`,
  keysOfTenant: `SELECT ${KEY_COLUMNS} FROM api_keys WHERE tenant_id = ? ORDER BY created_at, id`,
  keysPage: `
    SELECT ${KEY_COLUMNS} FROM api_keys WHERE tenant_id = ?1 AND (created_at, id) > (?2, ?3)
      AND (?5 IS NULL OR mode = ?5) ORDER BY created_at, id LIMIT ?4`,
  activeKeys: `
    SELECT count(*) AS n FROM api_keys
    WHERE tenant_id = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)`,
  namesOf: `SELECT id, name FROM tenants WHERE id IN (SELECT value FROM json_each(?))`,
  // A key with a successor ends because somebody meant it to.
  keysEnding: `
    SELECT key.id, key.tenant_id, key.label, key.expires_at, tenants.name FROM api_keys AS key JOIN tenants ON tenants.id = tenant_id
    WHERE revoked_at IS NULL AND expires_at > ? AND expires_at <= ? AND status = 'active'
      AND NOT EXISTS (SELECT 1 FROM api_keys AS successor WHERE successor.replaces = key.id)
    ORDER BY expires_at, key.id LIMIT ?`,
  // A key that its ledger has and the register lost. Nobody can sign in by it anew: its secret's hash is not known.
  recoverKey: `
    INSERT INTO api_keys (id, tenant_id, mode, label, secret_hash, scopes, allowed_ips, created_at, expires_at, revoked_at,
      in_directory, limits, defaults)
    VALUES (?1, ?2, ?3, ?4, 'unknown:' || ?1, ?5, ?6, ?7, ?8, ?9, 1, ?10, ?11) ON CONFLICT (id) DO NOTHING`,
  revokeKey: `UPDATE api_keys SET revoked_at = ? WHERE id = ?`,
  changeKey: `UPDATE api_keys SET limits = ?, defaults = ? WHERE id = ?`,
  restricted: `
    SELECT subject, CASE WHEN count(until_at) = count(*) THEN max(until_at) END AS until_at
    FROM subject_restrictions WHERE ended_at IS NULL GROUP BY subject ORDER BY subject`,
  expireKey: `UPDATE api_keys SET expires_at = ? WHERE id = ?`,
  forgetDirectory: `UPDATE api_keys SET in_directory = 0 WHERE in_directory = 1`,
  forgetProjections: `UPDATE tenants SET projected_version = 0 WHERE projected_version > 0`,
  setInDirectory: `UPDATE api_keys SET in_directory = 1 WHERE id = ?`,
  audit: `SELECT n, at, actor, action, target, before, after FROM audit WHERE n > ? ORDER BY n LIMIT ?`,
} as const;
