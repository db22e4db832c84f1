import {
  EXPORT_KEYS_PATH,
  type ExportPublicKey,
  type FileDigest,
  type SignedManifest,
} from "../../domain/statement.ts";
import { verifyBundle } from "../../domain/statement_bundle.ts";

/** Checks a closed month: its files, the manifest's signature, and the link to the month before. */
export async function checkStatement(button: HTMLButtonElement): Promise<void> {
  const place = button.closest<HTMLElement>("[data-verify]");
  const status = place?.querySelector<HTMLElement>("[role=status]");
  if (place == null || status == null) return;
  const { verify: folder = "", checking = "", holds = "", broken = "", notChecked = "" } = place.dataset;
  button.disabled = true;
  say(status, checking, "");
  try {
    const problems = await problemsOf(folder);
    if (problems.length === 0) say(status, holds, "good");
    else say(status, `${broken} ${problems.join(", ")}`, "bad");
  } catch {
    say(status, notChecked, "warn");
  } finally {
    button.disabled = false;
  }
}

function say(status: HTMLElement, text: string, tone: string): void {
  status.textContent = text;
  status.className = tone === "" ? "" : `notice ${tone}`;
}

async function problemsOf(folder: string): Promise<string[]> {
  const manifestText = await (await read(`${folder}manifest.json`)).text();
  const manifest = JSON.parse(manifestText) as SignedManifest;
  const { keys: publicKeys } = (await (await read(EXPORT_KEYS_PATH)).json()) as { keys: ExportPublicKey[] };
  const files: FileDigest[] = [];
  for (const { name } of manifest.files) files.push(await measure(folder, name));
  const previous =
    manifest.previousManifestSha256 === null ? {} : { previousManifestText: await previousManifest(manifest, folder) };
  const problems = await verifyBundle(files, manifestText, { publicKeys, ...previous });
  return problems.map(({ name, subject }) => `${name} (${subject})`);
}

async function measure(folder: string, name: string): Promise<FileDigest> {
  const bytes = await (await read(`${folder}${name}`)).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return {
    name,
    bytes: bytes.byteLength,
    sha256: [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}

async function previousManifest({ period }: SignedManifest, folder: string): Promise<string> {
  const [year = 0, month = 0] = period.split("-").map(Number);
  const before = new Date(Date.UTC(year, month - 2)).toISOString().slice(0, 7);
  return await (await read(`${folder.replace(period, before)}manifest.json`)).text();
}

async function read(address: string): Promise<Response> {
  const response = await fetch(address, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${address} answered ${response.status}`);
  return response;
}
