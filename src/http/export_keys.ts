import { z } from "zod";
import { ok } from "../domain/result.ts";
import { whileReadable } from "../gateway/open_statement.ts";
import type { AppContext } from "./context.ts";
import type { Operation } from "./operation.ts";
import { problemResponse } from "./problem.ts";

const exportKeys = z
  .object({
    keys: z.array(z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string(), kid: z.string() })),
  })
  .meta({ id: "ExportKeys" });

export const exportKeysOperation: Operation = {
  id: "getExportKeys",
  tag: "Statements",
  summary: "The keys that statements are signed with",
  description:
    "Ed25519 public keys (RFC 8037), every one that ever signed a manifest; `kid` is the manifest's `keyId`.",
  access: "anyone",
  answers: { 200: { description: "The keys.", content: exportKeys } },
  failures: ["statement_unavailable"],
};

/** `GET /.well-known/claro-score-gateway/export-keys.json`. */
export async function getExportKeys(context: AppContext): Promise<Response> {
  const { statements, settings } = context.get("services");
  const used = await whileReadable(async () => ok(await statements.keys()));
  if (!used.ok) return problemResponse(context, used.failure);
  const current = settings.exportSigningKey;
  const isListed = current === null || used.value.some(({ kid }) => kid === current.kid);
  const { kty, crv, x, kid } = current ?? {};
  const body = { keys: isListed ? used.value : [...used.value, { kty, crv, x, kid }] };
  return context.json(body, 200, { "cache-control": "public, max-age=300" });
}
