import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";
import * as z from "zod";
import { parseCpf } from "../../../src/domain/cpf.ts";

type Bindings = {
  KEYS: KVNamespace;
  DB: D1Database;
  ACCESS_TOKEN: DurableObjectNamespace<AccessToken>;
  CLARO_BASE_URL: string;
  CPF_HMAC_SECRET: string;
};

type KeyRecord = { tenantId: string; customerId: string; status: string; unitPriceMicros: number };

const scoreRequest = z.object({ cpf: z.string(), reference: z.string().max(64).optional() });
const scoreAnswer = z.object({
  transactionId: z.string(),
  data: z.object({ statsResult: z.object({ score: z.number() }) }),
});

/**
 * The gateway as one would write it first: who calls from KV, the token from an object, Claro, then a row in D1. In its
 * favour it leaves out what the ledger does beside that: no allowance, no rate, no spend cap, no idempotency, and an
 * answer that is lost between Claro and D1 is lost.
 */
const app = new Hono<{ Bindings: Bindings }>();

app.post("/v1/scores", async (context) => {
  const { env, req } = context;
  const key = req.header("authorization")?.replace(/^Bearer /, "") ?? "";
  const caller = await env.KEYS.get<KeyRecord>(`key:${await sha256Hex(key)}`, "json");
  if (caller === null) return context.json({ code: "invalid_api_key" }, 401);
  if (caller.status !== "active") return context.json({ code: "tenant_suspended" }, 403);
  const asked = scoreRequest.safeParse(await req.json());
  const cpf = asked.success ? parseCpf(asked.data.cpf) : null;
  if (cpf === null || !cpf.ok) return context.json({ code: "invalid_cpf" }, 400);

  const token = await env.ACCESS_TOKEN.getByName("token").get();
  const response = await fetch(`${env.CLARO_BASE_URL}/customers/v1/scores`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-client-auth": `Bearer ${token}`,
      "x-customerid": caller.customerId,
    },
    body: JSON.stringify({ data: { customer: { idCpf: cpf.value } } }),
  });
  if (response.status !== 200) return context.json({ code: "claro_failed" }, 502);
  const answer = scoreAnswer.parse(await response.json());

  const id = `lkp_${crypto.randomUUID()}`;
  const occurredAtMs = Date.now();
  const cpfReference = await hmacHex(env.CPF_HMAC_SECRET, `${caller.tenantId}\n${cpf.value}`);
  await env.DB.prepare(
    `INSERT INTO events (id, tenant_id, occurred_at, outcome, unit_price_micros, transaction_id, cpf_reference)
     VALUES (?, ?, ?, 'delivered', ?, ?, ?)`,
  )
    .bind(id, caller.tenantId, occurredAtMs, caller.unitPriceMicros, answer.transactionId, cpfReference)
    .run();
  console.log(JSON.stringify({ event: "request", tenantId: caller.tenantId, status: 200 }));
  const createdAt = new Date(occurredAtMs).toISOString();
  return context.json({
    id,
    score: answer.data.statsResult.score,
    billed: true,
    transactionId: answer.transactionId,
    createdAt,
  });
});

export default app;

/** Claro's token, asked for when there is none. */
export class AccessToken extends DurableObject<Bindings> {
  #token: Promise<string> | null = null;

  async get(): Promise<string> {
    this.#token ??= this.#request();
    return await this.#token;
  }

  async #request(): Promise<string> {
    const response = await fetch(`${this.env.CLARO_BASE_URL}/oauth2/v1/token`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", "x-client-auth": `Basic ${btoa("bench:bench")}` },
      body: "grant_type=client_credentials",
    });
    return (await response.json<{ access_token: string }>()).access_token;
  }
}

async function sha256Hex(text: string): Promise<string> {
  return toHex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

async function hmacHex(secret: string, text: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = new TextEncoder().encode(secret);
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
  return toHex(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));
}

function toHex(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
