import { createMockServer } from "@scalar/mock-server";
import { describe, expect, test, vi } from "vitest";
import type { ZodType } from "zod";
import { ENDPOINTS } from "../../src/app.ts";
import type { BodyDeclaration } from "../../src/http/endpoint.ts";
import { describeEndpoints } from "../../src/http/openapi.ts";

vi.mock("cloudflare:sockets", () => ({ connect: () => new Error("no sockets here") }));

const document = describeEndpoints(ENDPOINTS, {
  origin: "https://gateway.test",
  language: "en",
  audience: "everyone",
}) as unknown as Record<string, unknown>;

const EXAMPLES: Record<string, string> = {
  tenantId: "ten_0123456789abcdef0123",
  keyId: "csg_live_a1B2c3D4e5",
  operatorId: "csg_op_a1B2c3D4e5",
  period: "2026-11",
  kid: "export-2026",
  periodFile: "2026-11",
  reconciliationId: "rec_0123456789abcdef0123",
  differencesFile: "differences.csv",
  restrictionId: "rst_0123456789abcdef0123",
  file: "events.csv",
};

const BASIC = `Basic ${btoa("id:secret")}`;

describe("the document as it is", () => {
  test("lets a mock server answer with what our own schemas take", async () => {
    const app = await createMockServer({ document });
    for (const { method, path, access, answers, body, query } of ENDPOINTS) {
      const status = Math.min(...Object.keys(answers).map(Number));
      const { content } = answers[status]!;
      if (!("parse" in content)) continue;
      const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => EXAMPLES[name] ?? "");
      const asked = query !== undefined && "period" in query.shape ? `${filled}?period=2026-11` : filled;
      const response = await app.request(asked, {
        method,
        headers: {
          authorization: "credential" in access && access.credential === "client-credentials" ? BASIC : "Bearer x",
          "content-type": body?.types?.[0] ?? "application/json",
        },
        ...(method === "GET" ? {} : { body: exampleOf(body) }),
      });
      expect(response.status, path).toBe(status);
      const answer: unknown = await response.json();
      expect((content as ZodType).parse(answer), path).toEqual(answer);
    }
  });
});

function exampleOf(body: BodyDeclaration | undefined): string {
  const example = body?.example ?? {};
  if (typeof example === "string") return example;
  const isForm = body?.types?.[0] === "application/x-www-form-urlencoded";
  return isForm ? new URLSearchParams(example as Record<string, string>).toString() : JSON.stringify(example);
}
