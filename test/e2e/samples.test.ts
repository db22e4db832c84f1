import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SAMPLE_LANGUAGES, SAMPLES, type SampleLanguage } from "../../src/pages/portal/samples.ts";
import { startPagesGateway, type PagesGateway } from "../browser/support/gateway.ts";

const CPF = "20000100080";
/** A project that `dotnet run` finds. */
const CSPROJ = `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net8.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup></Project>`;

function hasTool(command: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

let gateway: PagesGateway;
let key: string;
let folder: string;

beforeAll(async () => {
  gateway = await startPagesGateway();
  const about = { name: "Loja", document: "12ABC34501DE35", customerId: "loja", plan: "pay-per-use" };
  const { id } = await gateway.admin<{ id: string }>("/tenants", about);
  key = (await gateway.admin<{ key: string }>(`/tenants/${id}/keys`, { mode: "test" })).key;
  folder = mkdtempSync(join(tmpdir(), "samples-"));
}, 120_000);

afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function run(language: SampleLanguage, env: Record<string, string>): Promise<string> {
  const { file, run: command, text } = SAMPLES[language];
  writeFileSync(join(folder, file), text(gateway.url));
  if (language === "csharp") writeFileSync(join(folder, "score.csproj"), CSPROJ);
  // The Node of the tests, and no other.
  const child = spawn("sh", ["-c", command.replace(/^node /, `"${process.execPath}" `)], {
    cwd: folder,
    env: { ...process.env, ...env },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  await new Promise((done) => child.on("close", done));
  return output;
}

describe("the same call in each language", () => {
  test.each(SAMPLE_LANGUAGES)(
    "%s prints the score, or what went wrong",
    async (language) => {
      const [tool = ""] = SAMPLES[language].run.split(" ");
      if (!hasTool(language === "curl" ? "curl" : tool)) {
        console.log(`${SAMPLES[language].name}: skipped, there is no ${tool} here`);
        return;
      }
      expect(await run(language, { API_KEY: key, CPF })).toContain("1000");
      expect(await run(language, { API_KEY: key, CPF: "40440440408" })).toContain("score_not_found");
    },
    120_000,
  );

  test.each(SAMPLE_LANGUAGES)("%s holds neither a key nor a CPF", (language) => {
    const text = SAMPLES[language].text("https://gateway.example");
    expect(text.match(/csg_|\d{3}\.?\d{3}\.?\d{3}-?\d{2}/)).toBeNull();
    expect(text).toContain("https://gateway.example/v1/scores");
  });
});
