import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";
import type { StandInAccount, StoredVersion } from "./account.ts";

/**
 * Cloudflare's edge for one Worker: the versions of the present deployment run in workerd with the bindings that their
 * uploads named, and calls reach them by share, or by name in `Cloudflare-Workers-Version-Overrides`.
 */
export class Edge {
  /** Calls of `/v1/scores` that each version got. */
  readonly lookups = new Map<string, number>();
  readonly #account: StandInAccount;
  readonly #worker: string;
  readonly #server: Server;
  readonly #stateDir = mkdtempSync(join(tmpdir(), "edge-"));
  #miniflare: Miniflare | null = null;
  #running: { readonly deployment: string; readonly ready: Promise<unknown> } | null = null;
  #calls = 0;

  private constructor(account: StandInAccount, worker: string) {
    this.#account = account;
    this.#worker = worker;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(account: StandInAccount, worker: string): Promise<Edge> {
    const edge = new Edge(account, worker);
    await new Promise<void>((done) => edge.#server.listen(0, "127.0.0.1", done));
    return edge;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
    await this.#miniflare?.dispose();
    rmSync(this.#stateDir, { recursive: true, force: true });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    try {
      await this.#keepUp();
      const versionId = this.#choose(String(request.headers["cloudflare-workers-version-overrides"] ?? ""));
      if (request.url === "/v1/scores") this.lookups.set(versionId, (this.lookups.get(versionId) ?? 0) + 1);
      const target = await this.#miniflare?.unsafeGetDirectURL(versionId);
      const answer = await fetch(new URL(request.url ?? "/", target), {
        method: request.method ?? "GET",
        headers: headersOf(request),
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
        redirect: "manual",
      });
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
      response.end(Buffer.from(await answer.arrayBuffer()));
    } catch (error) {
      response.writeHead(530).end((error as Error).message);
    }
  }

  /** By name where the present deployment has that version, else by share. */
  #choose(override: string): string {
    const shares = this.#account.shares(this.#worker);
    const named = new RegExp(`(?:^|,\\s*)${this.#worker}="([^"]+)"`).exec(override)?.[1];
    if (named !== undefined && shares.some(({ version_id: id }) => id === named)) return named;
    const point = ((this.#calls++ * 61) % 100) + 1;
    let sum = 0;
    for (const { version_id: id, percentage } of shares) if (point <= (sum += percentage)) return id;
    throw new Error("no version answers");
  }

  /** Runs what the present deployment says. */
  async #keepUp(): Promise<void> {
    const deployment = this.#account.worker(this.#worker).deployments[0]?.id ?? "";
    if (this.#running?.deployment !== deployment) this.#running = { deployment, ready: this.#run() };
    await this.#running.ready;
  }

  async #run(): Promise<void> {
    const worker = this.#account.worker(this.#worker);
    const versions = this.#account
      .shares(this.#worker)
      .map(({ version_id: id }) => this.#account.versionOf(worker, id));
    const [first] = versions;
    if (first === undefined) throw new Error("nothing is deployed");
    const options = convertV4MiniflareOptions({
      resourcePersistencePath: this.#stateDir,
      handleStructuredLogs: () => undefined,
      workers: versions.map((version) => this.#optionsOf(version, first)),
    } as unknown as V4MiniflareOptions);
    if (this.#miniflare === null) this.#miniflare = new Miniflare(options);
    else await this.#miniflare.setOptions(options);
    await this.#miniflare.ready;
    await this.#copySchema(first);
  }

  #optionsOf({ id, createdAt, upload, bindings }: StoredVersion, owner: StoredVersion): object {
    const {
      main_module: main,
      compatibility_date: compatibilityDate,
      compatibility_flags: flags = [],
    } = upload.metadata;
    const of = <Value>(type: string, valueOf: (binding: (typeof bindings)[number]) => Value) =>
      Object.fromEntries(
        bindings.filter((binding) => binding.type === type).map((binding) => [binding.name, valueOf(binding)]),
      );
    return {
      name: id,
      compatibilityDate,
      compatibilityFlags: flags,
      modules: [{ type: "ESModule", path: main, contents: upload.modules[main] }],
      bindings: {
        ...of("plain_text", (binding) => binding["text"]),
        ...of("secret_text", (binding) => binding["text"]),
        ...of("json", (binding) => binding["json"]),
        ...of("version_metadata", () => ({ id, tag: "", timestamp: createdAt })),
      },
      kvNamespaces: of("kv_namespace", (binding) => String(binding["namespace_id"])),
      d1Databases: of("d1", (binding) => String(binding["id"])),
      r2Buckets: of("r2_bucket", (binding) => String(binding["bucket_name"])),
      ratelimits: of("ratelimit", (binding) => binding),
      // Objects are one, whichever version calls: those of the version before hold them while two answer.
      durableObjects: of("durable_object_namespace", (binding) => ({
        className: String(binding["class_name"]),
        useSQLite: true,
        unsafeUniqueKey: `${this.#worker}-${String(binding["class_name"])}`,
        ...(id === owner.id ? {} : { scriptName: owner.id }),
      })),
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    };
  }

  /** The schema that the deployment has applied; rows are the gateway's own. */
  async #copySchema({ id, bindings }: StoredVersion): Promise<void> {
    const binding = bindings.find(({ type }) => type === "d1");
    const source = this.#account.databases.get(String(binding?.["id"]))?.sql;
    if (binding === undefined || source === undefined) throw new Error("no database");
    const target = await this.#miniflare!.getD1Database(binding.name, id);
    const there = await target.prepare("SELECT name FROM sqlite_master").all<{ name: string }>();
    const names = new Set(there.results.map(({ name }) => name));
    const items = source
      .prepare("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid")
      .all();
    const missing = items.filter(({ name }) => !names.has(String(name)));
    if (missing.length > 0) await target.batch(missing.map(({ sql }) => target.prepare(String(sql))));
  }
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const dropped = new Set(["host", "connection", "content-length", "transfer-encoding", "keep-alive"]);
  const kept = Object.entries(request.headers).filter(([name]) => !dropped.has(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}
