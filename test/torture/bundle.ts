import { join } from "node:path";
import { readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { unstable_readConfig as readConfig } from "wrangler";
import { outputOf, spawnWrangler } from "../../src/ctl/local/wrangler.ts";

/** The Worker of one source tree with its tortured entry, built as `wrangler deploy` would, and what its settings name. */
export type Bundle = {
  readonly script: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** Binding to class. */
  readonly objects: Readonly<Record<string, string>>;
  readonly migrations: readonly { readonly name: string; readonly queries: readonly string[] }[];
};

export async function buildBundle(tree: string, outDir: string): Promise<Bundle> {
  const config = join(tree, "wrangler.toml");
  const entry = join(tree, "test/torture/worker.ts");
  const built = await outputOf(spawnWrangler(["deploy", entry, "--dry-run", "--config", config, "--outdir", outDir]));
  if (!built.ok) throw new Error(`the Worker could not be built:\n${built.output}`);
  const settings = readConfig({ config }, { hideWarnings: true });
  const bindings: readonly { name: string; class_name: string }[] = settings.durable_objects.bindings;
  return {
    script: join(outDir, "worker.js"),
    compatibilityDate: settings.compatibility_date ?? "",
    compatibilityFlags: settings.compatibility_flags,
    objects: Object.fromEntries(bindings.map(({ name, class_name: className }) => [name, className])),
    migrations: await readD1Migrations(join(tree, "src/platform/migrations")),
  };
}
