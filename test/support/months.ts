import { EXPORT_FILES } from "../../src/domain/export/export_files.ts";
import { vi } from "vitest";
import { parsePeriod, periodBounds, type Period } from "../../src/domain/period.ts";
import type { FileDigest, Manifest } from "../../src/domain/statement.ts";
import { sha256Hex } from "../../src/domain/statement.ts";
import { type BundleProblem, verifyBundle } from "../../src/domain/statement_bundle.ts";
import { admin, adminJson, call } from "./gateway.ts";

export const FILES = EXPORT_FILES.map(({ name }) => name);

/**
 * The clock of the Worker and of its objects. Alarms go on by the real one: at a time that is over by that one they would
 * fire at once, again and again, so tests play in the 2040s.
 */
export function setClock(ms: number): void {
  vi.setSystemTime(ms);
}

export function month(text: string): { period: Period; startMs: number; endMs: number } {
  const period = parsePeriod(text);
  if (!period.ok) throw new Error(`not a period: ${text}`);
  return { period: period.value, ...periodBounds(period.value) };
}

// The runtime warns when text is taken from what is not `text/…`.
export async function textOf(response: Response): Promise<string> {
  return new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(await response.arrayBuffer());
}

export type Closing = {
  readonly status: "closed" | "closing";
  readonly closed: number;
  readonly remaining: number;
  readonly failures: readonly { tenantId: string; period: string; reason: string; seq: number | null }[];
};

export async function close(period: string): Promise<Closing & { readonly httpStatus: number }> {
  const response = await admin(`/periods/${period}/close`, { method: "POST" });
  return { ...(await response.json<Closing>()), httpStatus: response.status };
}

/** A tenant's file as the operator gets it; of one that is no text each byte is a character. */
export async function download(tenantId: string, period: string, name: string): Promise<string> {
  const response = await admin(`/tenants/${tenantId}/statements/${period}/${name}`);
  if (response.status !== 200) throw new Error(`${name} answered ${response.status}`);
  return name.endsWith(".xlsx")
    ? Array.from(new Uint8Array(await response.arrayBuffer()), (byte) => String.fromCharCode(byte)).join("")
    : await textOf(response);
}

async function manifestText(tenantId: string, period: string): Promise<string> {
  return await download(tenantId, period, "manifest.json");
}

export async function manifestOf(tenantId: string, period: string): Promise<Manifest> {
  return JSON.parse(await manifestText(tenantId, period)) as Manifest;
}

/** Every file of a month, the manifest too. */
export async function bundle(tenantId: string, period: string): Promise<Record<string, string>> {
  const names = [...FILES, "manifest.json"];
  const texts = await Promise.all(names.map((name) => download(tenantId, period, name)));
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? ""]));
}

/** Checks a downloaded month as anybody can who has it and the public keys. */
export async function verifyDownloaded(
  files: Record<string, string>,
  previousManifestText?: string,
): Promise<BundleProblem[]> {
  const { keys } = await (
    await call("/.well-known/claro-score-gateway/export-keys.json")
  ).json<{ keys: Parameters<typeof verifyBundle>[2]["publicKeys"] }>();
  const digests: FileDigest[] = await Promise.all(
    FILES.map(async (name) => {
      const text = files[name] ?? "";
      const data = name.endsWith(".xlsx")
        ? Uint8Array.from(text, (character) => character.charCodeAt(0))
        : new TextEncoder().encode(text);
      return { name, bytes: data.byteLength, sha256: await sha256Hex(data) };
    }),
  );
  return await verifyBundle(digests, files["manifest.json"] ?? "", {
    publicKeys: keys,
    ...(previousManifestText === undefined ? {} : { previousManifestText }),
  });
}

type Counts = { readonly requests: number; readonly billed: number; readonly amount: string };

export type Usage = {
  readonly totals: Counts;
  readonly days: readonly Counts[];
  readonly keys: readonly (Counts & { readonly keyId: string })[];
  readonly adjustments: { readonly count: number; readonly amount: string };
  readonly due: string;
};

export async function usageOf(tenantId: string, from: string, to: string) {
  return await adminJson<Usage>(`/tenants/${tenantId}/usage?from=${from}&to=${to}`);
}
