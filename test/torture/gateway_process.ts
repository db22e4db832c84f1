import { readFileSync } from "node:fs";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { Bundle } from "./bundle.ts";
import type { GatewayOptions } from "./gateway.ts";

/**
 * One life of the gateway: the built Worker in workerd with its state on disk, on a socket of its own. It runs until it is
 * killed. What the driver says stands in the first argument.
 */
const options = JSON.parse(process.argv[2] ?? "") as GatewayOptions;

/** The objects on disk are those of the Worker of this name, whichever version of it runs. */
const OBJECTS = "gateway";
const socket = { unsafeDirectSockets: [{ host: "127.0.0.1", port: options.port }] };
const { worker, objects } = options;
// As in a gradual deployment: requests come to one version, and the objects run the other.
const isMixed = worker.script !== objects.script;

const gateway = new Miniflare(
  convertV4MiniflareOptions({
    resourcePersistencePath: options.stateDir,
    handleStructuredLogs: () => undefined,
    workers: [
      { ...workerOf(objects), name: OBJECTS, ...(isMixed ? {} : socket) },
      ...(isMixed ? [{ ...workerOf(worker, OBJECTS), name: "entry", ...socket }] : []),
    ],
  }),
);
await gateway.ready;
if (options.migrations.length > 0) {
  const database = await gateway.getD1Database("DB", OBJECTS);
  await database.batch(options.migrations.map((statement) => database.prepare(statement)));
}
process.send?.("ready");
process.on("disconnect", () => process.exit());

function workerOf(bundle: Bundle, scriptName?: string) {
  const { script, compatibilityDate, compatibilityFlags } = bundle;
  return {
    compatibilityDate,
    compatibilityFlags: [...compatibilityFlags],
    modules: [{ type: "ESModule" as const, path: "worker.js", contents: readFileSync(script, "utf8") }],
    kvNamespaces: { KEYS: "keys" },
    r2Buckets: { STATEMENTS: "statements" },
    d1Databases: { DB: "claro-score-gateway" },
    durableObjects: Object.fromEntries(
      Object.entries(bundle.objects).map(([name, className]) => [
        name,
        { className, useSQLite: true as const, ...(scriptName === undefined ? {} : { scriptName }) },
      ]),
    ),
    bindings: options.vars,
  };
}
