import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { assertPresent } from "../../domain/assert.ts";
import { CtlError, EXIT } from "../ctl_error.ts";
import { PROJECT_ROOT } from "../local/wrangler.ts";

/** What `wrangler.toml` says, as far as `npm start` and a deployment read it; every environment is made from it. */
export type Template = {
  readonly name: string;
  readonly main: string;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly kv_namespaces: readonly { readonly binding: string }[];
  readonly d1_databases: readonly {
    readonly binding: string;
    readonly database_name: string;
    readonly migrations_dir: string;
  }[];
  readonly r2_buckets: readonly { readonly binding: string; readonly bucket_name: string }[];
  readonly ratelimits: readonly { readonly namespace_id: string }[];
  readonly durable_objects: { readonly bindings: readonly { readonly class_name: string }[] };
  readonly secrets: { readonly required: readonly string[] };
};

/** What only a gateway on one's own machine may have. */
const LOCAL_VARS = ["LOCAL", "CLOCK_OFFSET_MS"];

/** Without wrangler's own reader: whoever imports wrangler waits a second for all of it. */
export function readTemplate(): Template {
  return parse(readFileSync(join(PROJECT_ROOT, "wrangler.toml"), "utf8")) as unknown as Template;
}

/** Where the migrations of D1 are. */
export function migrationsDirOf({ d1_databases: [database] }: Template): string {
  return join(PROJECT_ROOT, assertPresent(database, "wrangler.toml has no D1 database").migrations_dir);
}

/** Throws when settings would be deployed that are for local use only. */
export function refuseLocalVars(vars: Readonly<Record<string, unknown>>, place: string): void {
  const forbidden = LOCAL_VARS.filter((name) => name in vars);
  if (forbidden.length > 0) {
    throw new CtlError(EXIT.refused, `${forbidden.join(" and ")} of ${place} must not be deployed: local use only.`);
  }
}
