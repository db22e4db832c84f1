import { tracing } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { lookup, newTenant, sandbox } from "../support/gateway.ts";

const CPF = "52998224725";
const NOT_FOUND = "40440440408";

beforeEach(async () => {
  await sandbox("reset");
});

afterEach(() => {
  vi.restoreAllMocks();
});

const OURS = new Set(["authenticate", "admit", "claro", "settle"]);

/** Which of our spans begin, and which have ended by now; the platform's own, of D1 and others, come the same way. */
function watchSpans(): { readonly begun: string[]; readonly ended: string[] } {
  const seen = { begun: [] as string[], ended: [] as string[] };
  const enterSpan = tracing.enterSpan.bind(tracing) as (name: string, work: Work, ...given: unknown[]) => unknown;
  vi.spyOn(tracing, "enterSpan").mockImplementation(((name: string, work: Work, ...given: unknown[]) => {
    const result = enterSpan(name, work, ...given);
    if (!OURS.has(name)) return result;
    seen.begun.push(name);
    return (result as Promise<unknown>).finally(() => seen.ended.push(name));
  }) as never);
  return seen;
}

type Work = (...given: unknown[]) => unknown;

test.each([
  ["a score", CPF, 200],
  ["no score", NOT_FOUND, 404],
])("a lookup with %s has spans for authenticate, admit, claro and settle, in this order", async (_, cpf, status) => {
  const tenant = await newTenant();
  const spans = watchSpans();
  expect((await lookup(tenant.key, cpf)).status).toBe(status);
  expect(spans.begun).toEqual(["authenticate", "admit", "claro", "settle"]);
  expect(spans.ended).toEqual(spans.begun);
});

test("one that is not admitted has none for Claro", async () => {
  const tenant = await newTenant({ plan: { allowance: { requests: 0 } } });
  const spans = watchSpans();
  expect((await lookup(tenant.key, CPF)).status).toBe(429);
  expect(spans.begun).toEqual(["authenticate", "admit"]);
});

test("an early call to Claro is seen beside its admission", async () => {
  const tenant = await newTenant();
  for (let warm = 0; warm < 3; warm += 1) expect((await lookup(tenant.key, CPF)).status).toBe(200);
  const spans = watchSpans();
  expect((await lookup(tenant.key, CPF)).status).toBe(200);
  expect(spans.begun.toSorted()).toEqual(["admit", "authenticate", "claro", "settle"]);
  expect(spans.begun.at(-1)).toBe("settle");
});
