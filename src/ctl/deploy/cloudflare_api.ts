import { setTimeout as pause } from "node:timers/promises";
import { networkFailure } from "../api/network_failure.ts";
import { CtlError, EXIT } from "../ctl_error.ts";

/** What Cloudflare answers: `result` where it succeeded, else why it did not. */
type Envelope = {
  readonly success: boolean;
  readonly result: unknown;
  readonly errors?: readonly { readonly code: number; readonly message: string }[];
};

type Request = {
  readonly method: string;
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  /** Whether a second call does no more than the first. */
  readonly isRepeatable: boolean;
};
type Query = Readonly<Record<string, string>>;

const ANSWER_TIMEOUT_MS = 60_000;
const TRIES = 3;
const RETRY_PAUSE_MS = 500;

/** What Cloudflare refused, with its own code, for callers that expect some of them. */
export class CloudflareError extends CtlError {
  readonly status: number;
  readonly codes: readonly number[];

  constructor(message: string, { status, codes }: { status: number; codes: readonly number[] }) {
    super(EXIT.refused, message);
    this.status = status;
    this.codes = codes;
  }
}

/** Cloudflare's API with somebody's credentials. Paths are those of its reference, after `/client/v4`. */
export class CloudflareApi {
  readonly #baseUrl: string;
  readonly #credentials: () => Promise<Record<string, string>>;
  #headers: Record<string, string> | null = null;

  /** `credentials` gives the headers of a call. It is asked anew when Cloudflare takes them no more: a login lasts an hour. */
  constructor(baseUrl: string, credentials: () => Promise<Record<string, string>>) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#credentials = credentials;
  }

  async get<Result>(path: string, query: Query = {}): Promise<Result> {
    return await this.#call<Result>({ method: "GET", path, query, isRepeatable: true });
  }

  /** Null where Cloudflare knows no such thing. */
  async find<Result>(path: string): Promise<Result | null> {
    try {
      return await this.get<Result>(path);
    } catch (error) {
      if (error instanceof CloudflareError && error.status === 404) return null;
      throw error;
    }
  }

  async post<Result>(path: string, body: unknown, { isRepeatable = false } = {}): Promise<Result> {
    return await this.#call<Result>({ method: "POST", path, body, isRepeatable });
  }

  async put<Result>(path: string, body: unknown): Promise<Result> {
    return await this.#call<Result>({ method: "PUT", path, body, isRepeatable: true });
  }

  /** Every entry of a list that comes in pages. */
  async list<Entry>(path: string, perPage: number): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (let page = 1; ; page += 1) {
      const found = await this.get<Entry[]>(path, { page: String(page), per_page: String(perPage) });
      entries.push(...found);
      if (found.length < perPage) return entries;
    }
  }

  async #call<Result>(request: Request): Promise<Result> {
    // Another call may have worked although its answer was lost: the next run finds out.
    const tries = request.isRepeatable ? TRIES : 1;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await this.#once(request)) as Result;
      } catch (error) {
        const isTransient = !(error instanceof CloudflareError) || error.status >= 500 || error.status === 429;
        if (!isTransient || attempt === tries) throw error;
      }
      await pause(RETRY_PAUSE_MS * attempt);
    }
  }

  async #once(request: Request): Promise<unknown> {
    const isFirstUse = this.#headers === null;
    this.#headers ??= await this.#credentials();
    let answer = await this.#send(request, this.#headers);
    if (answer.status === 401 && !isFirstUse) {
      this.#headers = await this.#credentials();
      answer = await this.#send(request, this.#headers);
    }
    const { status, envelope } = answer;
    if (envelope?.success === true) return envelope.result;
    throw refusal(request, status, envelope);
  }

  async #send(
    { method, path, query = {}, body }: Request,
    headers: Record<string, string>,
  ): Promise<{ status: number; envelope: Envelope | null }> {
    const url = new URL(`${this.#baseUrl}${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    try {
      const response = await fetch(url, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        body: body === undefined ? null : JSON.stringify(body),
        redirect: "error",
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      return { status: response.status, envelope: parseEnvelope(await response.text()) };
    } catch (error) {
      const { reason } = networkFailure(error);
      throw new CtlError(EXIT.unreachable, `Cloudflare's API at ${url.origin} cannot be reached (${reason}).`);
    }
  }
}

function parseEnvelope(text: string): Envelope | null {
  try {
    return JSON.parse(text) as Envelope;
  } catch {
    return null;
  }
}

function refusal({ method, path }: Request, status: number, envelope: Envelope | null): CloudflareError {
  const errors = envelope?.errors ?? [];
  const reasons = errors.map(({ code, message }) => `${message} (${code})`).join("; ");
  const hint = status === 401 || status === 403 ? `\n${PERMISSIONS}` : "";
  const message = `Cloudflare refused ${method} ${path}: ${reasons === "" ? `status ${status}` : reasons}${hint}`;
  return new CloudflareError(message, { status, codes: errors.map(({ code }) => code) });
}

const PERMISSIONS = `Log in anew with \`npx wrangler login\`, or give the API token these permissions of the account: Workers Scripts, Workers
KV Storage, Workers R2 Storage and D1 (edit), Account Settings (read).`;
