/** What a key and an operator have in common: they end at a time, or by somebody's hand. */
export type Lifetime = { readonly revokedAtMs: number | null; readonly expiresAtMs: number | null };

export type LifeState = "active" | "expired" | "revoked";

export function lifeState({ revokedAtMs, expiresAtMs }: Lifetime, nowMs: number): LifeState {
  if (revokedAtMs !== null) return "revoked";
  return expiresAtMs !== null && expiresAtMs <= nowMs ? "expired" : "active";
}
