import { CtlError, EXIT } from "../ctl_error.ts";
import { ACCESS_HINT, accessHeaders } from "./access_headers.ts";
import type { Gateway } from "./find_gateway.ts";
import { networkFailure } from "./network_failure.ts";

type Query = Readonly<Record<string, string | number | undefined>>;
type Report = { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: "text/csv" | "application/x-ndjson" };
type Send = {
  readonly method?: string;
  readonly query?: Query;
  readonly json?: unknown;
  readonly report?: Report;
  readonly headers?: Readonly<Record<string, string>>;
};
type Problem = {
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly requestId?: string;
  readonly issues?: readonly { readonly path: string; readonly message: string }[];
};

/** The API's advice on a field, and ours on the option that sets it. */
const DUPLICATE = ["send `allowDuplicate: true`", "repeat with --allow-duplicate"] as const;
const PAGE_ENTRIES = 200;
const ANSWER_TIMEOUT_MS = 120_000;

/** The admin API as commands use it. What it refuses, or that it cannot be reached, is thrown as a `CtlError`. */
export class AdminApi {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  get url(): string {
    return this.#gateway.url;
  }

  async get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    return await this.#json<Answer>(path, { query });
  }

  async post<Answer>(path: string, json: unknown = {}): Promise<Answer> {
    return await this.#json<Answer>(path, { method: "POST", json });
  }

  async patch<Answer>(path: string, json: unknown): Promise<Answer> {
    return await this.#json<Answer>(path, { method: "PATCH", json });
  }

  async delete<Answer>(path: string): Promise<Answer> {
    return await this.#json<Answer>(path, { method: "DELETE" });
  }

  async put<Answer>(path: string, json: unknown): Promise<Answer> {
    return await this.#json<Answer>(path, { method: "PUT", json });
  }

  /** Sends a file's bytes as they are. */
  async postReport<Answer>(path: string, report: Report, query: Query = {}): Promise<Answer> {
    return await this.#json<Answer>(path, { method: "POST", report, query });
  }

  /** At most `most` entries of a list, over as many pages as it takes; `onEntries` is told how many there are so far. */
  async list<Entry>(
    path: string,
    options: { most: number; query?: Query; onEntries?: (soFar: readonly Entry[]) => void },
  ): Promise<{ data: Entry[]; nextCursor: string | null }> {
    const data: Entry[] = [];
    let cursor: string | null = null;
    do {
      const limit = Math.min(PAGE_ENTRIES, options.most - data.length);
      const query: Query = { ...options.query, limit, cursor: cursor ?? undefined };
      const page: { data: Entry[]; nextCursor: string | null } = await this.get(path, query);
      if (!Array.isArray(page.data)) throw this.#strange();
      data.push(...page.data);
      cursor = page.nextCursor;
      options.onEntries?.(data);
    } while (cursor !== null && data.length < options.most);
    return { data, nextCursor: cursor };
  }

  /** An answer as it comes, for downloads: its status is 200, or 206 for a range. */
  async open(path: string, send: Send = {}): Promise<Response> {
    const url = new URL(`${this.#gateway.url}/admin/v1${path}`);
    for (const [name, value] of Object.entries(send.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers = new Headers({
      authorization: `Bearer ${this.#gateway.adminToken}`,
      "accept-language": "en",
      ...accessHeaders(),
    });
    for (const [name, value] of Object.entries(send.headers ?? {})) headers.set(name, value);
    if (send.json !== undefined) headers.set("content-type", "application/json");
    if (send.report !== undefined) headers.set("content-type", send.report.type);
    const body = send.report?.bytes ?? (send.json === undefined ? null : JSON.stringify(send.json));
    // Limits the wait for the first byte only: a download may take long.
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(new Error("no answer in time")), ANSWER_TIMEOUT_MS);
    let response: Response;
    try {
      const { signal } = waiting;
      response = await fetch(url, { method: send.method ?? "GET", headers, body, redirect: "manual", signal });
    } catch (error) {
      throw unreachable(this.#gateway.url, error);
    } finally {
      clearTimeout(timer);
    }
    if (response.status >= 300 && response.status < 400) throw await redirected(this.#gateway.url, response);
    if (!response.ok) throw await refused(response, this.#gateway);
    return response;
  }

  #strange(): CtlError {
    return new CtlError(EXIT.refused, `${this.#gateway.url} did not answer as a gateway does: is the address right?`);
  }

  async #json<Answer>(path: string, send: Send): Promise<Answer> {
    const response = await this.open(path, send);
    try {
      return (await response.json()) as Answer;
    } catch (error) {
      throw error instanceof SyntaxError ? this.#strange() : unreachable(this.#gateway.url, error);
    }
  }
}

function unreachable(url: string, error: unknown): CtlError {
  const { code, reason } = networkFailure(error);
  const hint = URL.parse(url)?.hostname === "127.0.0.1" ? " Is it running? Start it with: npm start" : "";
  return new CtlError(EXIT.unreachable, `${url} cannot be reached (${reason}).${hint}`, { code });
}

/** The token is not sent on to another address. */
async function redirected(url: string, response: Response): Promise<CtlError> {
  await response.body?.cancel();
  return new CtlError(EXIT.unreachable, `${url} sends to another address (status ${response.status}). ${ACCESS_HINT}`);
}

/** The part of a refusal before its issues, which are printed line by line. */
function aboutOf({ detail = "", issues: [first] = [] }: Problem): string {
  if (first === undefined) return detail;
  const sentence = first.path === "" ? first.message.slice(1) : `\`${first.path}\`: `;
  const start = detail.indexOf(sentence);
  const words = start < 0 ? detail : detail.slice(0, first.path === "" ? start - 1 : start);
  return words
    .trimEnd()
    .replace(...DUPLICATE)
    .replace(/(?:; see `issues`|\. See `issues`)?\.$/, words.includes("`issues`") ? ":" : ".");
}

async function refused(response: Response, { tokenHint }: Gateway): Promise<CtlError> {
  const text = await response.text();
  let problem: Problem = {};
  try {
    problem = JSON.parse(text) as Problem;
  } catch {
    // Not a gateway of ours: its status has to do.
  }
  const { title, code, requestId, issues = [] } = problem;
  const what = code === "not_found" && issues.length === 0 ? new URL(response.url).pathname : aboutOf(problem);
  const lines = [
    `${title ?? `HTTP ${response.status}`}${what === "" ? "" : `: ${what}`}`,
    ...issues.map(({ path, message }) => `  ${path === "" ? "" : `${path}: `}${message.replace(...DUPLICATE)}`),
    `  (${[code, `status ${response.status}`, requestId === undefined ? undefined : `request ${requestId}`]
      .filter((part) => part !== undefined)
      .join(", ")})`,
    ...(code === "invalid_admin_credentials" ? [tokenHint] : []),
  ];
  const retryAfter = response.headers.get("retry-after");
  const repeat = /^\d+$/.test(retryAfter ?? "") ? { retryAfterSeconds: Number(retryAfter) } : {};
  return new CtlError(EXIT.refused, lines.join("\n"), { ...problem, ...repeat, status: response.status });
}
