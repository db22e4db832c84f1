#!/usr/bin/env node
// `npx ctl`. An older Node cannot read TypeScript: the project brings one that can.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

if (process.features.typescript) {
  await import("./ctl.ts");
} else {
  const node = fileURLToPath(new URL("../../node_modules/node/bin/node", import.meta.url));
  const script = fileURLToPath(new URL("./ctl.ts", import.meta.url));
  const child = spawn(node, [script, ...process.argv.slice(2)], { stdio: "inherit" });
  child.once("error", () => {
    process.stderr.write("ctl needs the project's own Node: run npm ci once\n");
    process.exitCode = 1;
  });
  child.once("exit", (code) => (process.exitCode = code ?? 1));
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
}
