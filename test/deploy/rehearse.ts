import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Checkout, WORKER } from "./checkout.ts";
import { ApiServer, TOKEN } from "./stand_in/api_server.ts";
import { Edge } from "./stand_in/edge.ts";

/**
 * `npm run deploy:rehearsal`: a first `npm run deploy`, from a copy of this checkout to a stand-in of Cloudflare that begins
 * with an empty account. It asks what the real one asks, and reaches nobody. What was deployed answers until Enter is pressed.
 * Options go on to the deployment.
 */
const CHECK_WAIT_SECONDS = "60";

const BEFORE = `This is a rehearsal: Cloudflare is a stand-in on this machine, and what is deployed is a copy of this checkout, with a commit
of its own. Claro's credentials may be any text. Nothing has to be committed or kept afterwards.
`;

const api = await ApiServer.start();
const checkout = new Checkout();
const edge = await Edge.start(api.account, WORKER);

try {
  console.log(BEFORE);
  process.exitCode = (await deploy(process.argv.slice(2))) ?? 1;
  if (process.exitCode === 0) {
    console.log(firstScore(edge.url));
    await once(process.stdin, "readable");
    console.log("The rehearsal's gateway has ended.");
  }
} finally {
  await edge.stop();
  await api.stop();
  checkout.remove();
  process.stdin.destroy();
}

function firstScore(url: string): string {
  return `
In this rehearsal the gateway answers at ${url} until you press Enter. A first score, in another terminal:

  export CLARO_GATEWAY_URL=${url}
  npm run ctl -- login     # with the admin token that stands above
  npm run ctl -- tenants create --name First --document 12ABC34501DE35 --customer-id first --plan pay-per-use --price 0.15
  npm run ctl -- keys create <tenant-id> --mode test
  curl -s ${url}/v1/scores -H 'Authorization: Bearer <key>' -H 'Content-Type: application/json' -d '{"cpf": "529.982.247-25"}'
`;
}

/** Its exit code; null when a signal ended it. */
async function deploy(options: readonly string[]): Promise<number | null> {
  const check = options.includes("--dry-run") ? [] : ["--check-url", edge.url, "--check-wait", CHECK_WAIT_SECONDS];
  const child = spawn(process.execPath, [join(checkout.dir, "src/ctl/deploy.ts"), ...check, ...options], {
    cwd: checkout.dir,
    stdio: "inherit",
    env: {
      ...process.env,
      HOME: checkout.temporary,
      TMPDIR: checkout.temporary,
      CLOUDFLARE_API_BASE_URL: api.url,
      CLOUDFLARE_API_TOKEN: TOKEN,
    },
  });
  return await new Promise((resolve) => child.once("close", resolve));
}
