import { randomBytes, randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";
import { Refusal } from "./refusal.ts";
import { readUpload, type Binding, type Upload } from "./upload.ts";

export type { Binding };

export type StoredVersion = {
  readonly id: string;
  readonly number: number;
  readonly createdAt: string;
  readonly upload: Upload;
  /** With secrets' values, and without bindings that are only inherited. */
  readonly bindings: readonly Binding[];
};

export type Share = { readonly version_id: string; readonly percentage: number };

type StoredDeployment = {
  readonly id: string;
  readonly created_on: string;
  readonly versions: readonly Share[];
  /** When objects that are at work begin anew. */
  readonly objects: string;
};

type CodeUpdate = { readonly mode: string };

type StoredWorker = {
  readonly versions: StoredVersion[];
  readonly deployments: StoredDeployment[];
  readonly classes: Set<string>;
  subdomain: { enabled: boolean; previews_enabled: boolean };
  schedules: readonly string[];
  domains: readonly string[];
  observability: unknown;
};

type Row = Record<string, unknown>;

/** One account at Cloudflare, as far as deployments use it; D1's databases are SQLite's. */
export class StandInAccount {
  readonly id = randomBytes(16).toString("hex");
  readonly databases = new Map<string, { readonly name: string; readonly sql: DatabaseSync }>();
  readonly namespaces = new Map<string, string>();
  readonly buckets = new Set<string>();
  /** Files of buckets, as `bucket/key`. */
  readonly objects = new Map<string, string>();
  /** Rules by which a bucket's files cannot be deleted. */
  readonly locks = new Map<string, unknown[]>();
  /** Where databases were restored to. */
  readonly restored: { readonly database: string; readonly bookmark: string }[] = [];
  readonly workers = new Map<string, StoredWorker>();
  subdomain: string | null = null;
  isR2Enabled = true;

  makeDatabase(name: string): { uuid: string; name: string } {
    if ([...this.databases.values()].some((database) => database.name === name)) {
      throw new Refusal(400, 7502, `a database named ${name} already exists`);
    }
    const uuid = randomUUID();
    this.databases.set(uuid, { name, sql: new DatabaseSync(":memory:") });
    return { uuid, name };
  }

  /** Statements are one transaction, as in D1's batches. */
  query(uuid: string, text: string): { results: Row[]; success: true; meta: object }[] {
    const { sql } = this.findDatabase(uuid);
    sql.exec("BEGIN");
    try {
      const results = splitSqlQuery(text).map((statement) => {
        if (/^\s*(?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT)\b/i.test(statement)) throw new Error("transactions are D1's own");
        return { results: sql.prepare(statement).all(), success: true as const, meta: { duration: 0.1 } };
      });
      sql.exec("COMMIT");
      return results;
    } catch (error) {
      sql.exec("ROLLBACK");
      throw new Refusal(400, 7500, `${(error as Error).message}: SQLITE_ERROR`);
    }
  }

  /** By its id or by its name, as Cloudflare takes either. */
  findDatabase(idOrName: string): { uuid: string; name: string; sql: DatabaseSync } {
    const found = [...this.databases].find(([id, { name }]) => id === idOrName || name === idOrName);
    if (found === undefined) throw new Refusal(404, 7404, `the database ${idOrName} could not be found`);
    return { uuid: found[0], ...found[1] };
  }

  makeNamespace(title: string): { id: string; title: string } {
    if ([...this.namespaces.values()].includes(title))
      throw new Refusal(400, 10_014, `a namespace ${title} already exists`);
    const id = randomBytes(16).toString("hex");
    this.namespaces.set(id, title);
    return { id, title };
  }

  makeBucket(name: string): { name: string } {
    if (!this.isR2Enabled) throw new Refusal(403, 10_042, "Please enable R2 through the Cloudflare Dashboard.");
    if (this.buckets.has(name)) throw new Refusal(409, 10_004, "The bucket you tried to create already exists");
    this.buckets.add(name);
    return { name };
  }

  findBucket(name: string): { name: string } {
    if (!this.isR2Enabled) throw new Refusal(403, 10_042, "Please enable R2 through the Cloudflare Dashboard.");
    if (!this.buckets.has(name)) throw new Refusal(404, 10_006, "The specified bucket does not exist.");
    return { name };
  }

  worker(name: string): StoredWorker {
    const worker = this.workers.get(name);
    if (worker === undefined) throw new Refusal(404, 10_007, "This Worker does not exist on your account.");
    return worker;
  }

  /** `PUT` of a script: a new version that gets every call at once. New classes of objects come with it. */
  async putScript(name: string, form: FormData, isStrict: boolean): Promise<StoredVersion> {
    const upload = await readUpload(form);
    const worker = this.workers.get(name) ?? newWorker();
    const classes = new Set([...worker.classes, ...upload.classNames]);
    const version = this.#store(worker, { upload, classes, isStrict });
    this.workers.set(name, worker);
    for (const className of classes) worker.classes.add(className);
    worker.observability = upload.metadata.observability;
    const { code_update_strategy: update } = upload.metadata;
    this.#deploy(worker, [{ version_id: version.id, percentage: 100 }], update);
    return version;
  }

  /** `POST` of a version: it gets no call yet, and cannot bring classes of objects. */
  async postVersion(name: string, form: FormData, isStrict: boolean): Promise<StoredVersion> {
    const upload = await readUpload(form);
    const worker = this.worker(name);
    const fresh = upload.classNames.filter((className) => !worker.classes.has(className));
    if (fresh.length > 0) throw new Refusal(400, 100_406, `classes that are not provisioned yet: ${fresh.join(", ")}`);
    return this.#store(worker, { upload, classes: worker.classes, isStrict });
  }

  postDeployment(
    name: string,
    {
      versions: shares,
      code_update_strategy: update,
    }: { versions: readonly Share[]; code_update_strategy?: CodeUpdate },
    force: boolean,
  ): { id: string } {
    const worker = this.worker(name);
    const sum = shares.reduce((total, { percentage }) => total + percentage, 0);
    if (sum !== 100 || shares.length === 0 || shares.length > 2) {
      throw new Refusal(400, 10_211, "one or two versions share the calls, 100 percent in all");
    }
    const versions = shares.map(({ version_id: id }) => this.versionOf(worker, id));
    const present = this.present(name);
    const isChanged = versions.some((version) => secretsOf(version) !== secretsOf(present));
    if (isChanged && !force) throw new Refusal(400, 10_220, "secrets have changed since that version");
    return this.#deploy(worker, shares, update);
  }

  versionOf(worker: StoredWorker, id: string): StoredVersion {
    const version = worker.versions.find((candidate) => candidate.id === id);
    if (version === undefined) throw new Refusal(404, 10_221, `no version ${id}`);
    return version;
  }

  /** The versions that answer now. */
  shares(name: string): readonly Share[] {
    return this.worker(name).deployments[0]?.versions ?? [];
  }

  /** The first version of the present deployment. */
  present(name: string): StoredVersion {
    return this.versionOf(this.worker(name), this.shares(name)[0]?.version_id ?? "");
  }

  /** Changes secrets, and removes those that are `null`: a version like the one before, which answers at once. */
  editSecrets(name: string, edits: Readonly<Record<string, string | null>>): void {
    const worker = this.worker(name);
    const before = this.present(name);
    const kept = before.bindings.filter((binding) => !(binding.name in edits));
    const set = Object.entries(edits).filter(([, text]) => text !== null);
    const version = {
      ...before,
      id: randomUUID(),
      number: worker.versions.length + 1,
      createdAt: this.#instant(),
      upload: { ...before.upload, metadata: { ...before.upload.metadata, annotations: {} } },
      bindings: [...kept, ...set.map(([secret, text]) => ({ name: secret, type: "secret_text", text }))],
    };
    worker.versions.push(version);
    this.#deploy(worker, [{ version_id: version.id, percentage: 100 }]);
  }

  #store(
    worker: StoredWorker,
    { upload, classes, isStrict }: { upload: Upload; classes: ReadonlySet<string>; isStrict: boolean },
  ): StoredVersion {
    const latest = worker.versions.at(-1);
    const bindings = this.#resolve(upload, latest, isStrict);
    for (const binding of bindings) this.#confirmBinding(binding, classes);
    const version = {
      id: randomUUID(),
      number: worker.versions.length + 1,
      createdAt: this.#instant(),
      upload,
      bindings,
    };
    worker.versions.push(version);
    return version;
  }

  /** Fills in what is inherited, and keeps secrets that the upload does not name. */
  #resolve({ metadata }: Upload, latest: StoredVersion | undefined, isStrict: boolean): Binding[] {
    const named: Binding[] = [];
    for (const binding of metadata.bindings) {
      const inherited = latest?.bindings.find(({ name }) => name === binding.name);
      if (binding.type !== "inherit") named.push(binding);
      else if (inherited !== undefined) named.push(inherited);
      else if (isStrict) throw new Refusal(400, 10_057, `inherit binding '${binding.name}' is invalid`);
    }
    const kept = (latest?.bindings ?? []).filter(
      ({ name, type }) =>
        (metadata.keep_bindings ?? []).includes(type) && !named.some((candidate) => candidate.name === name),
    );
    return [...named, ...kept];
  }

  #confirmBinding(binding: Binding, classes: ReadonlySet<string>): void {
    const { name, type } = binding;
    const isRight = {
      d1: () => this.databases.has(String(binding["id"])),
      kv_namespace: () => this.namespaces.has(String(binding["namespace_id"])),
      r2_bucket: () => this.buckets.has(String(binding["bucket_name"])),
      durable_object_namespace: () => classes.has(String(binding["class_name"])),
      ratelimit: () => /^\d+$/.test(String(binding["namespace_id"])),
      secret_text: () => typeof binding["text"] === "string" && binding["text"] !== "",
      plain_text: () => typeof binding["text"] === "string",
      json: () => binding["json"] !== undefined,
      version_metadata: () => true,
    }[type];
    if (isRight === undefined) throw new Refusal(400, 10_021, `binding ${name} has an unknown type ${type}`);
    if (!isRight())
      throw new Refusal(400, 10_021, `binding ${name} of type ${type} must name something of the account`);
  }

  #deploy(worker: StoredWorker, versions: readonly Share[], update: CodeUpdate = { mode: "deferred" }): { id: string } {
    const deployment = { id: randomUUID(), created_on: this.#instant(), versions, objects: update.mode };
    worker.deployments.unshift(deployment);
    return deployment;
  }

  #lastInstantMs = Date.now();

  /** Two versions never have the same time. */
  #instant(): string {
    this.#lastInstantMs = Math.max(this.#lastInstantMs + 1, Date.now());
    return new Date(this.#lastInstantMs).toISOString();
  }
}

function newWorker(): StoredWorker {
  return {
    versions: [],
    deployments: [],
    classes: new Set(),
    subdomain: { enabled: false, previews_enabled: false },
    schedules: [],
    domains: [],
    observability: undefined,
  };
}

function secretsOf({ bindings }: StoredVersion): string {
  const secrets = bindings.filter(({ type }) => type === "secret_text").map(({ name, text }) => [name, text]);
  return JSON.stringify(secrets.toSorted(([left], [right]) => (String(left) < String(right) ? -1 : 1)));
}
