import { BoundedMap } from "../domain/bounded_map.ts";
import type { ApiKey } from "../domain/api_key.ts";
import type { Mode } from "../domain/meter_event.ts";
import { sha256Hex } from "./keyed_hash.ts";

/** Who calls. It says nothing of whether they may: the tenant's ledger does. */
export type Caller = { readonly tenantId: string; readonly keyId: string; readonly mode: Mode };

const CACHED_CALLERS = 10_000;
/** Stands in a namespace beside the keys: where it is missing, they are missing. */
const MARK = "directory";

/** The keys in KV: `key:<SHA-256 of the key>` holds `{"tenantId", "keyId", "mode"}`, for as long as the key is known. */
export class KeyDirectory {
  readonly #kv: KVNamespace;
  /** What a key's hash stands for never changes while it exists, so an isolate may believe it for as long as it lives. */
  readonly #callersByHash = new BoundedMap<string, Caller>(CACHED_CALLERS);

  constructor(kv: KVNamespace) {
    this.#kv = kv;
  }

  /** Who a key belongs to, or null for a key that nobody has; with `memoryOnly`, for one that this isolate never saw. */
  async find(key: ApiKey, { memoryOnly = false } = {}): Promise<Caller | null> {
    const hash = await sha256Hex(key.text);
    const cached = this.#callersByHash.get(hash);
    if (cached !== undefined) return cached;
    if (memoryOnly) return null;
    const caller = await this.#kv.get<Caller>(nameOf(hash), "json");
    if (caller !== null) this.#callersByHash.set(hash, caller);
    return caller;
  }

  /** Whether this is the namespace that keys were put into. */
  async isMarked(): Promise<boolean> {
    return (await this.#kv.get(MARK)) !== null;
  }

  async mark(): Promise<void> {
    await this.#kv.put(MARK, "1");
  }

  async put(secretHash: string, caller: Caller): Promise<void> {
    await this.#kv.put(nameOf(secretHash), JSON.stringify(caller));
  }
}

function nameOf(hash: string): string {
  return `key:${hash}`;
}
