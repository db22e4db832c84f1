import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { assertPresent } from "../../domain/assert.ts";
import { CtlError, EXIT } from "../ctl_error.ts";
import { PROJECT_ROOT } from "../local/wrangler.ts";
import { release } from "./release.ts";
import type { Template } from "./template.ts";

/** The one whose resources have no suffix. */
const PRODUCTION = "production";

/** What an environment's Worker and storage are called in the account. The lists are by binding. */
export type Names = {
  readonly worker: string;
  readonly databases: Readonly<Record<string, string>>;
  readonly namespaces: Readonly<Record<string, string>>;
  readonly buckets: Readonly<Record<string, string>>;
};

export function namesOf(environment: string, template: Template): Names {
  const suffix = environment === PRODUCTION ? "" : `-${environment}`;
  const worker = template.name + suffix;
  return {
    worker,
    databases: byBinding(template.d1_databases, ({ database_name: name }) => name + suffix),
    // As wrangler itself would call it.
    namespaces: byBinding(template.kv_namespaces, ({ binding }) => `${worker}-${binding.toLowerCase()}`),
    buckets: byBinding(template.r2_buckets, ({ bucket_name: name }) => name + suffix),
  };
}

/** The binding of the one database that migrations are of. */
export function databaseBinding({ databases }: Names): string {
  return assertPresent(Object.keys(databases)[0], "wrangler.toml has no D1 database");
}

function byBinding<Entry extends { readonly binding: string }>(
  entries: readonly Entry[],
  nameOf: (entry: Entry) => string,
): Record<string, string> {
  return Object.fromEntries(entries.map((entry) => [entry.binding, nameOf(entry)]));
}

const record = z.strictObject({
  accountId: z.string().optional(),
  /** Settings of this environment, over those of wrangler.toml. Written by people. */
  vars: z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).optional(),
  /** A host name of a zone in the account; workers.dev is switched off with it. Written by people. */
  customDomain: z
    .string()
    .regex(/^(?:[a-z0-9-]+\.)+[a-z]{2,}$/)
    .optional(),
  databases: z.record(z.string(), z.string()).optional(),
  namespaces: z.record(z.string(), z.string()).optional(),
  /** The tenant without live keys that checks look up a score for. */
  checkTenantId: z.string().optional(),
  /** The version that the last finished run left in charge. */
  deployed: z.strictObject({ versionId: z.string(), release, url: z.string(), at: z.iso.datetime() }).optional(),
});

/** What is known of an environment: `deployments/<name>.json`, which holds no secret and belongs into git. */
export type EnvironmentRecord = z.infer<typeof record>;

/** An environment's file, changed a step at a time so that an interrupted run leaves what it has made. */
export class EnvironmentFile {
  readonly path: string;
  #record: EnvironmentRecord;

  private constructor(path: string, content: EnvironmentRecord) {
    this.path = path;
    this.#record = content;
  }

  static read(environment: string): EnvironmentFile {
    const path = join(PROJECT_ROOT, "deployments", `${environment}.json`);
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new EnvironmentFile(path, {});
      throw error;
    }
    const parsed = record.safeParse(parseJson(text));
    if (!parsed.success) {
      throw new CtlError(
        EXIT.refused,
        `deployments/${environment}.json cannot be read:\n${z.prettifyError(parsed.error)}`,
      );
    }
    return new EnvironmentFile(path, parsed.data);
  }

  get record(): EnvironmentRecord {
    return this.#record;
  }

  /** Writes only what changes, and whole: a reader never sees half a file. */
  update(change: EnvironmentRecord): void {
    const changed = { ...this.#record, ...change };
    const text = `${JSON.stringify(changed, null, 2)}\n`;
    if (text === `${JSON.stringify(this.#record, null, 2)}\n`) return;
    mkdirSync(dirname(this.path), { recursive: true });
    const unfinished = `${this.path}.${process.pid}.tmp`;
    writeFileSync(unfinished, text);
    renameSync(unfinished, this.path);
    this.#record = changed;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return (error as Error).message;
  }
}
