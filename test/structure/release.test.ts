import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readRelease } from "../../src/platform/release.ts";
import { readTemplate } from "../../src/ctl/deploy/template.ts";
import { LEDGER_SCHEMA_VERSION } from "../../src/domain/ledger/schema_version.ts";

const root = fileURLToPath(new URL("../..", import.meta.url).href);
const VERSION = { id: "6849df6f-8ba2-441e-9261-e8c10a6eddc2", tag: "", timestamp: "2026-11-28T03:33:47.276Z" };

test("a local gateway says the version of package.json, and no version of Cloudflare's", () => {
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { version: string };
  expect(readRelease({ ...readTemplate().vars, VERSION })).toEqual({
    version,
    commit: "dev",
    environment: "local",
    ledgerSchema: LEDGER_SCHEMA_VERSION,
    versionId: null,
    deployedAt: null,
  });
});

test("a deployed one says which of its versions it is, and since when", () => {
  const RELEASE = { version: "1.2.3", commit: "abc", environment: "staging", ledgerSchema: 9 };
  expect(readRelease({ RELEASE, VERSION })).toMatchObject({
    version: "1.2.3",
    commit: "abc",
    environment: "staging",
    versionId: VERSION.id,
    deployedAt: VERSION.timestamp,
  });
});

test("one that somebody has deployed in another way says that it does not know", () => {
  expect(readRelease({})).toMatchObject({ version: "unknown", commit: "unknown", versionId: null });
});
