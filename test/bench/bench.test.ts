import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const BENCH = fileURLToPath(new URL("bench.ts", import.meta.url).href);

function bench(...args: readonly string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BENCH, ...args], { encoding: "utf8" });
  return { code: status, stdout, stderr };
}

test.each([
  ["--only", "throughput,speed"],
  ["--only", ""],
  ["--rounds", "0"],
  ["--rounds", "2.5"],
  ["--seconds", "0"],
  ["--seconds", "soon"],
  ["--seconds"],
  ["--fast"],
  ["throughput"],
])("%s %s is refused with one line before anything runs", (...args) => {
  const { code, stdout, stderr } = bench(...args);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^[^\n]+\n$/);
});

test("--help names every section", () => {
  const { code, stdout } = bench("--help");
  expect(code).toBe(0);
  for (const name of ["throughput", "distance", "operations", "backlog", "months", "growth", "start"])
    expect(stdout).toContain(name);
});

test("--json prints one document and nothing else on standard output", () => {
  const { code, stdout, stderr } = bench("--json", "--only", "start", "--rounds", "1");
  expect([code, stderr]).toEqual([0, "start …\n"]);
  expect(JSON.parse(stdout)).toMatchObject({ start: { bundle: { gzipBytes: expect.any(Number) } } });
});
