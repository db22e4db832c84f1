// `npm run verifier`: makes the single file that partners check months with, for the documents and for the gateway to serve.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { PROJECT_ROOT } from "./local/wrangler.ts";

const built = await build({
  entryPoints: [join(PROJECT_ROOT, "src/ctl/verify_statement.ts")],
  absWorkingDir: PROJECT_ROOT,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  write: false,
});
const text = built.outputFiles[0]?.text;
if (text === undefined) throw new Error("esbuild wrote nothing");
writeFileSync(join(PROJECT_ROOT, "docs/verify_statement.mjs"), text);
const comment = "/** `docs/verify_statement.mjs`, made by `npm run verifier`. */";
writeFileSync(
  join(PROJECT_ROOT, "src/http/pages/verifier_text.ts"),
  `${comment}\nexport const VERIFIER = ${JSON.stringify(text)};\n`,
);
