import { readFileSync } from "node:fs";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { GatewayOptions } from "./gateway.ts";

/**
 * One life of the gateway: the built Worker in workerd with its state on disk, on a socket of its own. It runs until it is
 * killed. What the driver says stands in the first argument.
 */
const options = JSON.parse(process.argv[2] ?? "") as GatewayOptions;

const gateway = new Miniflare(
  convertV4MiniflareOptions({
    name: "gateway",
    compatibilityDate: options.compatibilityDate,
    modules: [{ type: "ESModule", path: "worker.js", contents: readFileSync(options.bundle, "utf8") }],
    resourcePersistencePath: options.stateDir,
    kvNamespaces: { KEYS: "keys" },
    r2Buckets: { STATEMENTS: "statements" },
    d1Databases: { DB: "claro-score-gateway" },
    durableObjects: options.objects,
    bindings: options.vars,
    unsafeDirectSockets: [{ host: "127.0.0.1", port: options.port }],
    handleStructuredLogs: () => undefined,
  }),
);
await gateway.ready;
if (options.migrations.length > 0) {
  const database = await gateway.getD1Database("DB");
  await database.batch(options.migrations.map((statement) => database.prepare(statement)));
}
process.send?.("ready");
process.on("disconnect", () => process.exit());
