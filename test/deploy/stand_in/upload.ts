import { Refusal } from "./refusal.ts";

export type Binding = { readonly name: string; readonly type: string } & Readonly<Record<string, unknown>>;

type Metadata = {
  readonly main_module: string;
  readonly bindings: readonly Binding[];
  readonly compatibility_date: string;
  readonly compatibility_flags?: readonly string[];
  readonly keep_bindings?: readonly string[];
  readonly exports?: Readonly<Record<string, { readonly type: string; readonly storage?: string }>>;
  readonly annotations?: Readonly<Record<string, string | undefined>>;
  readonly code_update_strategy?: { readonly mode: string };
  readonly limits?: unknown;
  readonly observability?: unknown;
};

/** What was uploaded: code and what goes with it. */
export type Upload = {
  readonly metadata: Metadata;
  readonly modules: Readonly<Record<string, string>>;
  readonly classNames: readonly string[];
};

/** Reads an upload as Cloudflare would, and refuses what it would refuse. */
export async function readUpload(form: FormData): Promise<Upload> {
  const metadata = JSON.parse(await textOf(form.get("metadata"))) as Metadata;
  const modules: Record<string, string> = {};
  for (const [name, part] of form) {
    if (name !== "metadata" && !name.endsWith(".map")) modules[name] = await textOf(part);
  }
  const refuse = (reason: string) => new Refusal(400, 10_021, reason);
  if (modules[metadata.main_module] === undefined) throw refuse(`no module ${metadata.main_module}`);
  const { compatibility_date: date } = metadata;
  if (!/^\d{4}-\d\d-\d\d$/.test(date) || date > new Date().toISOString().slice(0, 10)) {
    throw refuse(`the compatibility date ${date} is none, or in the future`);
  }
  const names = metadata.bindings.map(({ name }) => name);
  if (new Set(names).size !== names.length) throw refuse("two bindings have one name");
  const declared = Object.entries(metadata.exports ?? {}).filter(([, { type }]) => type === "durable-object");
  const code = modules[metadata.main_module] ?? "";
  for (const [name, { storage }] of declared) {
    if (!new RegExp(`\\b${name}\\b`).test(code)) throw refuse(`the module exports no ${name}`);
    if (storage !== "sqlite") throw refuse(`${name}: storage must be sqlite`);
  }
  return { metadata, modules, classNames: declared.map(([name]) => name) };
}

async function textOf(part: unknown): Promise<string> {
  if (typeof part === "string") return part;
  if (part instanceof Blob) return await part.text();
  throw new Refusal(400, 10_021, "a part is missing");
}
