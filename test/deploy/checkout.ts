import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TOKEN, type ApiServer } from "./stand_in/api_server.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url).href);
const COPIED = ["src", "package.json", "tsconfig.json", "wrangler.toml", ".gitignore"];

/** What `wrangler.toml` calls the Worker. */
export const WORKER = "claro-score-gateway";
export const CLARO_SECRET = "claro-secret-5f0c1d7e9b";

export type Run = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** A clone of the project, with a commit of its own, to deploy from. What a deployment leaves in it can be seen. */
export class Checkout {
  readonly dir = mkdtempSync(join(tmpdir(), "checkout-"));
  /** The folder for temporary files of what runs here. */
  readonly temporary = mkdtempSync(join(tmpdir(), "checkout-tmp-"));

  constructor() {
    for (const name of COPIED) cpSync(join(ROOT, name), join(this.dir, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(this.dir, "node_modules"));
    writeFileSync(join(this.dir, ".git-exclude"), "node_modules\n.git-exclude\n");
    this.git("init", "--quiet");
    this.git("config", "core.excludesFile", join(this.dir, ".git-exclude"));
    this.commit("Begin");
  }

  git(...args: string[]): string {
    return execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], {
      cwd: this.dir,
      encoding: "utf8",
    }).trim();
  }

  /** Commits everything, so that the next deployment is of another commit. */
  commit(message: string): string {
    this.git("add", "--all");
    this.git("commit", "--quiet", "--allow-empty", "--message", message);
    return this.git("rev-parse", "--short=12", "HEAD");
  }

  edit(path: string, change: (text: string) => string): void {
    const file = join(this.dir, path);
    const before = readFileSync(file, "utf8");
    const after = change(before);
    if (after === before) throw new Error(`${path} is as it was`);
    writeFileSync(file, after);
  }

  record(environment: string): Record<string, unknown> {
    return JSON.parse(readFileSync(join(this.dir, "deployments", `${environment}.json`), "utf8")) as Record<
      string,
      unknown
    >;
  }

  /** `npm run deploy` against a stand-in; `onStart` gets the process, which leads a group of its own. */
  async deploy(
    api: ApiServer,
    args: readonly string[],
    {
      env = {},
      onStart = () => undefined,
    }: { env?: Record<string, string | undefined>; onStart?: (pid: number) => void } = {},
  ): Promise<Run> {
    const child = spawn(process.execPath, [join(this.dir, "src/ctl/deploy.ts"), ...args], {
      cwd: this.dir,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HOME: this.temporary,
        TMPDIR: this.temporary,
        NO_COLOR: "1",
        CLOUDFLARE_API_BASE_URL: api.url,
        CLOUDFLARE_API_TOKEN: TOKEN,
        CLARO_CLIENT_ID: "claro-gateway-id",
        CLARO_CLIENT_SECRET: CLARO_SECRET,
        ...env,
      } as unknown as NodeJS.ProcessEnv,
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    onStart(child.pid ?? 0);
    const code = await new Promise<number | null>((done) => child.once("close", done));
    return { code, stdout, stderr };
  }

  remove(): void {
    for (const dir of [this.dir, this.temporary]) rmSync(dir, { recursive: true, force: true });
  }
}
