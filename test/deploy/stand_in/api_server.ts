import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { StandInAccount, type Share, type StoredVersion } from "./account.ts";
import { Refusal } from "./refusal.ts";
import type { Call, Route } from "./route.ts";
import { RunbookRoutes } from "./runbook_routes.ts";

export const TOKEN = "stand-in-token";
const FILES = "/files/";

/** Cuts the line at one call: before it has its effect, or after, when only the answer is lost. */
export type Cut = { readonly at: number; readonly when: "before" | "after"; readonly onCut: () => void };

/** Cloudflare's API over a stand-in account, with a log of its calls and a line that can be cut. */
export class ApiServer {
  readonly account = new StandInAccount();
  /** Calls so far, as `GET /workers/subdomain`: paths within the account. */
  readonly calls: string[] = [];
  cut: Cut | null = null;
  /** Told of each call before it is answered. */
  onCall: (name: string) => void = () => undefined;
  /** Further accounts that the token sees. */
  otherAccounts: { id: string; name: string }[] = [];
  readonly #runbook = new RunbookRoutes(this.account);
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<ApiServer> {
    const api = new ApiServer();
    await new Promise<void>((done) => api.#server.listen(0, "127.0.0.1", done));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/client/v4`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "", this.url);
    const path = url.pathname.replace("/client/v4", "");
    if (path.startsWith(FILES)) return this.#serveFile(request, response, Buffer.concat(chunks));
    const name = `${request.method} ${path.replace(`/accounts/${this.account.id}`, "")}`;
    this.calls.push(name);
    this.onCall(name);
    const cut = this.cut?.at === this.calls.length ? this.cut : null;
    if (cut?.when === "before") return this.#break(cut, response);
    const { status, body } = await this.#answer(request, { url, path, body: Buffer.concat(chunks) });
    if (cut !== null) return this.#break(cut, response);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  /** Dumps go to and from addresses of their own, which need no token. */
  #serveFile(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const name = request.url?.split(FILES)[1] ?? "";
    const file = this.#runbook.file(request.method ?? "GET", name, body);
    if (file === null) response.writeHead(404).end();
    else response.writeHead(200, { etag: `"${file.etag}"` }).end(request.method === "PUT" ? "" : file.text);
  }

  #break(cut: Cut, response: ServerResponse): void {
    this.cut = null;
    cut.onCut();
    response.destroy();
  }

  async #answer(
    request: IncomingMessage,
    { url, path, body }: { url: URL; path: string; body: Buffer },
  ): Promise<{ status: number; body: unknown }> {
    try {
      if (request.headers.authorization !== `Bearer ${TOKEN}`) throw new Refusal(401, 10_000, "Authentication error");
      const method = request.method ?? "GET";
      const route = this.#routes().find(([verb, pattern]) => verb === method && pattern.test(path));
      if (route === undefined) throw new Refusal(501, 1, `the stand-in knows no ${method} ${path}`);
      const [, pattern, answer] = route;
      const parts = (pattern.exec(path) ?? []).slice(1).map(decodeURIComponent);
      const call: Call = {
        method,
        path,
        query: url.searchParams,
        json: async () => JSON.parse(body.toString()) as Record<string, unknown>,
        form: async () =>
          await new Response(new Uint8Array(body), {
            headers: { "content-type": request.headers["content-type"] ?? "" },
          }).formData(),
        text: () => body.toString(),
      };
      return { status: 200, body: { success: true, errors: [], messages: [], result: await answer(call, parts) } };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, code, message } = error;
      return { status, body: { success: false, errors: [{ code, message }], messages: [], result: null } };
    }
  }

  #routes(): readonly Route[] {
    const { account } = this;
    const within = (path: string) =>
      new RegExp(`^/accounts/${account.id}${path.replaceAll(":x", "([^/]+)").replace(":rest", "(.+)")}$`);
    const page = <Entry>(entries: readonly Entry[], { query }: Call) => {
      const [at, size] = [Number(query.get("page") ?? 1), Number(query.get("per_page") ?? 20)];
      return entries.slice((at - 1) * size, at * size);
    };
    const script = (name: string) => `/workers/scripts/:x/${name}`;
    return [
      ["GET", /^\/accounts$/, (call) => page([{ id: account.id, name: "Stand-in" }, ...this.otherAccounts], call)],
      ["GET", within("/d1/database"), (call) => this.#databases(call)],
      ["GET", within("/d1/database/:x"), (_call, [id = ""]) => namesOf(account.findDatabase(id))],
      ["POST", within("/d1/database"), async ({ json }) => account.makeDatabase(String((await json())["name"]))],
      [
        "POST",
        within("/d1/database/:x/query"),
        async ({ json }, [id = ""]) => account.query(id, String((await json())["sql"])),
      ],
      [
        "GET",
        within("/storage/kv/namespaces"),
        (call) =>
          page(
            [...account.namespaces].map(([id, title]) => ({ id, title })),
            call,
          ),
      ],
      [
        "POST",
        within("/storage/kv/namespaces"),
        async ({ json }) => account.makeNamespace(String((await json())["title"])),
      ],
      ["GET", within("/r2/buckets/:x"), (_call, [name = ""]) => account.findBucket(name)],
      ["POST", within("/r2/buckets"), async ({ json }) => account.makeBucket(String((await json())["name"]))],
      ["GET", within("/workers/subdomain"), () => this.#subdomain()],
      [
        "PUT",
        within("/workers/subdomain"),
        async ({ json }) => ({ subdomain: (account.subdomain = String((await json())["subdomain"])) }),
      ],
      ["GET", within("/workers/services/:x"), (_call, [name = ""]) => this.#service(name)],
      ["GET", within(script("secrets")), (_call, [name = ""]) => this.#secrets(name)],
      [
        "GET",
        within(script("deployments")),
        (_call, [name = ""]) => ({ deployments: account.worker(name).deployments.slice(0, 10) }),
      ],
      [
        "POST",
        within(script("deployments")),
        async ({ json, query }, [name = ""]) =>
          account.postDeployment(name, (await json()) as { versions: Share[] }, query.get("force") === "true"),
      ],
      [
        "GET",
        within(script("versions")),
        (_call, [name = ""]) => ({ items: account.worker(name).versions.map(wireVersion).toReversed() }),
      ],
      [
        "GET",
        within(script("versions/:x")),
        (_call, [name = "", id = ""]) => wireVersion(account.versionOf(account.worker(name), id)),
      ],
      [
        "POST",
        within(script("versions")),
        async ({ form, query }, [name = ""]) =>
          wireVersion(await account.postVersion(name, await form(), query.get("bindings_inherit") === "strict")),
      ],
      [
        "PUT",
        within("/workers/scripts/:x"),
        async ({ form, query }, [name = ""]) =>
          wireScript(await account.putScript(name, await form(), query.get("bindings_inherit") === "strict")),
      ],
      [
        "GET",
        within("/workers/workers/:x"),
        (_call, [name = ""]) => ({ name, subdomain: account.worker(name).subdomain }),
      ],
      ["GET", within("/workers/domains"), ({ query }) => this.#domains(query.get("hostname") ?? "")],
      [
        "POST",
        within(script("domains/changeset")),
        async ({ json }) => ({ added: await json(), removed: [], updated: [], conflicting: [] }),
      ],
      ["PUT", within(script("domains/records")), async ({ json }, [name = ""]) => this.#putDomains(name, await json())],
      ["GET", within(script("settings")), (_call, [name = ""]) => ({ bindings: wireBindings(account.present(name)) })],
      ["GET", within(script("subdomain")), (_call, [name = ""]) => account.worker(name).subdomain],
      [
        "POST",
        within(script("subdomain")),
        async ({ json }, [name = ""]) =>
          (account.worker(name).subdomain = (await json()) as { enabled: boolean; previews_enabled: boolean }),
      ],
      ["PUT", within(script("schedules")), async ({ json }, [name = ""]) => this.#schedules(name, await json())],
      [
        "GET",
        within(script("script-settings")),
        (_call, [name = ""]) => ({ observability: account.worker(name).observability }),
      ],
      ["PATCH", within(script("script-settings")), async ({ json }, [name = ""]) => this.#settings(name, await json())],
      ...this.#runbook.routes(within, (name) => `${this.url}${FILES}${name}`),
    ];
  }

  #databases({ query }: Call): { uuid: string; name: string }[] {
    const filter = query.get("name") ?? "";
    const all = [...this.account.databases].map(([uuid, { name }]) => ({ uuid, name }));
    return all.filter(({ name }) => name.includes(filter));
  }

  #subdomain(): { subdomain: string } {
    const { subdomain } = this.account;
    if (subdomain === null) throw new Refusal(404, 10_007, "You do not have a workers.dev subdomain.");
    return { subdomain };
  }

  #service(name: string): object {
    this.account.worker(name);
    return {
      default_environment: {
        environment: "production",
        script: { tag: name, tags: [], last_deployed_from: "wrangler" },
      },
    };
  }

  #secrets(name: string): { name: string; type: string }[] {
    const { bindings } = this.account.present(name);
    return bindings
      .filter(({ type }) => type === "secret_text")
      .map((binding) => ({ name: binding.name, type: binding.type }));
  }

  #domains(hostname: string): { hostname: string; service: string }[] {
    const workers = [...this.account.workers].filter(([, { domains }]) => domains.includes(hostname));
    return workers.map(([service]) => ({ hostname, service }));
  }

  #putDomains(name: string, body: Record<string, unknown>): object {
    const origins = body["origins"] as { hostname: string }[];
    this.account.worker(name).domains = origins.map(({ hostname }) => hostname);
    return origins;
  }

  #schedules(name: string, schedules: unknown): object {
    this.account.worker(name).schedules = (schedules as { cron: string }[]).map(({ cron }) => cron);
    return { schedules };
  }

  #settings(name: string, settings: Record<string, unknown>): object {
    this.account.worker(name).observability = settings["observability"];
    return settings;
  }
}

function namesOf({ uuid, name }: { uuid: string; name: string }): object {
  return { uuid, name };
}

/** Nobody reads a secret back. */
function wireBindings({ bindings }: StoredVersion): object[] {
  return bindings.map((binding) =>
    binding.type === "secret_text" ? { name: binding.name, type: binding.type } : binding,
  );
}

function wireVersion(version: StoredVersion): object {
  const { id, number, createdAt, upload } = version;
  const { compatibility_date: date, compatibility_flags: flags = [], annotations = {} } = upload.metadata;
  return {
    id,
    number,
    startup_time_ms: 20,
    metadata: { created_on: createdAt, source: "wrangler", author_email: "operator@example.com", has_preview: false },
    annotations,
    resources: {
      bindings: wireBindings(version),
      script: { etag: id, handlers: ["fetch", "scheduled"], last_deployed_from: "wrangler" },
      script_runtime: { compatibility_date: date, compatibility_flags: flags, usage_model: "standard" },
    },
  };
}

function wireScript(version: StoredVersion): object {
  return { id: null, etag: version.id, startup_time_ms: 20, deployment_id: version.id.replaceAll("-", "") };
}
