import { worstSpendMicros, type LimitState } from "./admission.ts";
import type { KeyGrant } from "./authorization.ts";
import { maxUnitPriceMicros } from "./pricing.ts";
import { bucketLevel } from "./rate_limit.ts";

/**
 * The ledger's word that there is ample room: for so long, and for so many lookups, an isolate may ask Claro side by side
 * with the admission instead of after it. Short, since a change of terms (a key revoked, a tenant suspended) is complete
 * only when the words before it have ended: until then it keeps answers back, but not the calls.
 */
export const WORD_MS = 3000;

/** How long after its word's end the admission of a lookup may still reach the ledger: the way there, and a repeat. */
export const WAY_MS = 2000;

/** The time after which no lookup on a word that is given now can surprise the ledger. */
export const WORD_AND_WAY_MS = WORD_MS + WAY_MS;

/** Of the tokens in the bucket, this share may be promised to all isolates together: the rest is for who comes first. */
const PROMISED_SHARE = 0.25;

/**
 * For how many lookups more the word can be given, at most as `asked`; null where there is no ample room and words given
 * before should not be used either. Whatever anybody does with the same plan and key before `WORD_AND_WAY_MS` have passed,
 * the allowance and the spend cap cannot refuse one of them: all that the rate lets through until then fits. `promised` is
 * what words given before still stand for.
 */
export function ampleRoom(
  state: LimitState,
  key: KeyGrant,
  options: { asked: number; promised: number },
): number | null {
  const { nowMs, plan } = state;
  const untilMs = nowMs + WORD_AND_WAY_MS;
  if (key.expiresAtMs !== null && key.expiresAtMs <= untilMs) return null;
  // The word goes for a key and not for an address.
  if (key.allowedIps.length > 0) return null;
  const tokens = bucketLevel(plan, state.bucket, nowMs).remaining;
  const room = Math.floor(tokens * PROMISED_SHARE) - options.promised;
  if (room < 0) return null;
  const most = plan.burst + Math.ceil((plan.ratePerSecond * WORD_AND_WAY_MS) / 1000);
  return fitsAllowance(state, { most, untilMs }) && fitsSpendCap(state, most) ? Math.min(options.asked, room) : null;
}

function fitsAllowance(state: LimitState, { most, untilMs }: { most: number; untilMs: number }): boolean {
  const { allowance } = state.plan;
  if (allowance === null) return true;
  if (allowance.endsAt !== null && Date.parse(allowance.endsAt) <= untilMs) return false;
  const held = state.held.reduce((sum, { count }) => sum + count, 0);
  return state.allowanceUsed + held + most <= allowance.requests;
}

function fitsSpendCap(state: LimitState, most: number): boolean {
  const capMicros = state.plan.monthlySpendCapMicros;
  return capMicros === null || worstSpendMicros(state) + most * maxUnitPriceMicros(state.plan.tiers) <= capMicros;
}

/** Lookups that words stand for: what a ledger has promised to all, or what an isolate was promised. */
export class PromisedLookups {
  #words: { left: number; readonly endsAtMs: number }[] = [];

  add(lookups: number, endsAtMs: number): void {
    if (lookups > 0) this.#words.push({ left: lookups, endsAtMs });
  }

  /** Uses up the oldest word by one lookup; false when there is none. */
  take(nowMs: number): boolean {
    const [word] = this.#standing(nowMs);
    if (word === undefined) return false;
    word.left -= 1;
    return true;
  }

  left(nowMs: number): number {
    return this.#standing(nowMs).reduce((sum, { left }) => sum + left, 0);
  }

  /** When the last of them ends; null when there is none. */
  endMs(nowMs: number): number | null {
    return this.#standing(nowMs).reduce<number | null>((end, { endsAtMs }) => Math.max(end ?? 0, endsAtMs), null);
  }

  #standing(nowMs: number): { left: number; readonly endsAtMs: number }[] {
    const stands = ({ left, endsAtMs }: { left: number; endsAtMs: number }) => left > 0 && endsAtMs > nowMs;
    if (!this.#words.every(stands)) this.#words = this.#words.filter(stands);
    return this.#words;
  }
}
