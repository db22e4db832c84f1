import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a partner fills in; nothing else of a sample is changed. */
export type FilledIn = {
  readonly host: string;
  readonly key: string;
  readonly secret: string;
  readonly cpf: string;
};

/** One of the seed's sample clients: where it is, and how this machine runs it. */
export type SeedClient = {
  readonly name: string;
  readonly file: string;
  /** Commands to run one after the other beside the file; or what this machine lacks, as text. */
  readonly commands: () => readonly (readonly [string, ...string[]])[] | string;
};

const CLIENTS = join(import.meta.dirname, "../seed_clients");
const DEBIAN_JARS = "/usr/share/java";
/** Debian's Spring 4.3 writes JSON with Gson; it has dropped the sample's own Jackson 1, which only reads the token. */
const NEEDED_JARS = [
  /^spring3?-web\.jar$/,
  /^spring3?-core\.jar$/,
  /^spring3?-beans\.jar$/,
  /^jackson-core-asl\.jar$/,
  /^jackson-mapper-asl\.jar$/,
  /^commons-logging\.jar$/,
  /^gson\.jar$/,
];

export const SEED_CLIENTS: readonly SeedClient[] = [
  {
    name: "curl",
    file: "score.sh",
    commands: () => (works("bash", "--version") && works("curl", "--version") ? [["bash", "score.sh"]] : "bash, curl"),
  },
  {
    name: "Python",
    file: "score.py",
    commands: () => {
      const python = ["python3", "/usr/bin/python3"].find((command) => works(command, "-c", "import requests"));
      return python === undefined ? "a Python that has requests" : [[python, "score.py"]];
    },
  },
  {
    name: "PHP",
    file: "score.php",
    commands: () => (works("php", "-r", "curl_init();") ? [["php", "score.php"]] : "php with curl"),
  },
  {
    name: "Java",
    file: "App.java",
    commands: () => {
      const present = existsSync(DEBIAN_JARS) ? readdirSync(DEBIAN_JARS) : [];
      const jars = NEEDED_JARS.map((needed) => present.find((name) => needed.test(name)));
      if (!works("javac", "-version")) return "a JDK";
      if (jars.includes(undefined)) return "Debian's jars of Spring, Jackson 1 and Gson";
      const classPath = jars.map((jar) => join(DEBIAN_JARS, jar ?? "")).join(":");
      return [
        ["javac", "-d", ".", "-cp", classPath, "App.java"],
        ["java", "-cp", `.:${classPath}`, "client.claroScores.App"],
      ];
    },
  },
];

/** Runs a sample in a folder of its own, and gives what it printed. */
export async function runSeedClient(
  client: SeedClient,
  commands: readonly (readonly [string, ...string[]])[],
  filledIn: FilledIn,
): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "seed-client-"));
  try {
    writeFileSync(join(dir, client.file), fillIn(readFileSync(join(CLIENTS, client.file), "utf8"), filledIn));
    let output = "";
    for (const [command, ...args] of commands) output = await outputOf(command, args, dir);
    return output;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function fillIn(sample: string, { host, key, secret, cpf }: FilledIn): string {
  const blanks: [RegExp, string][] = [
    [/(?<=\bkey\s*=\s*["']?)X+/i, key],
    [/(?<=\bsecret\s*=\s*["']?)X+/i, secret],
    [/(?<=\bcpf\s*=\s*["']?)X+/i, cpf],
  ];
  const filled = blanks.reduce((text, [blank, value]) => text.replace(blank, value), sample);
  return filled.replaceAll("https://api.claro.com.br", host);
}

function works(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function outputOf(command: string, args: readonly string[], cwd: string): Promise<string> {
  const env = { ...process.env, NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  const code = await new Promise((done) => child.once("close", done));
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr}`);
  return stdout;
}
