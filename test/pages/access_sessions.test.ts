import { env } from "cloudflare:workers";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { disturbedGateway } from "../support/disturbed.ts";
import { adminJson } from "../support/gateway.ts";
import { Visit } from "./visit.ts";

const TEAM = "padaria.cloudflareaccess.com";
const AUDIENCE = "aud-of-the-console";
const behindAccess = disturbedGateway({ ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: AUDIENCE });

let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let admin: { id: string };

beforeAll(async () => {
  keys = await generateKeyPair("RS256");
  admin = await adminJson("/operators", { body: { name: "Ana", email: "ana@example.com", roles: ["admin"] } });
  await adminJson("/operators", { body: { name: "Leo", email: "leo@example.com", roles: ["read"] } });
});

// Cloudflare's endpoint of keys is all that is simulated.
beforeEach(async () => {
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "current", alg: "RS256", use: "sig" };
  const { fetch } = globalThis;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const { href } = new URL(input instanceof Request ? input.url : input);
    if (href !== `https://${TEAM}/cdn-cgi/access/certs`) return await fetch(input, init);
    return Response.json({ keys: [jwk] });
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function assertionOf(email: string, key = keys.privateKey): Promise<string> {
  const seconds = Math.floor(Date.now() / 1000);
  return await new SignJWT({ iss: `https://${TEAM}`, aud: [AUDIENCE], iat: seconds, exp: seconds + 60, email })
    .setProtectedHeader({ alg: "RS256", kid: "current" })
    .sign(key);
}

async function visitorOf(email: string, key = keys.privateKey): Promise<Visit> {
  return new Visit({ "cf-access-jwt-assertion": await assertionOf(email, key) }, behindAccess.call);
}

/** The button that a browser behind Access is offered. */
const pressButton = async (visit: Visit) => await visit.post("/console/sign-in", { to: "" });

test("whoever comes through Access is offered a button, and is in with it: no token is typed", async () => {
  const visit = await visitorOf("ana@example.com");
  const page = await (await visit.get("/console/sign-in?lang=pt-BR")).text();
  const shown = page === "" ? await (await visit.get("/console/sign-in")).text() : page;
  expect(shown).toContain("Cloudflare Access");
  const answer = await pressButton(visit);
  expect([answer.status, answer.headers.get("location")]).toEqual([303, "/console"]);
  const home = await visit.get("/console");
  expect(home.status).toBe(200);
  expect(await home.text()).toContain(`aria-label="Ana:`);
  expect((await visit.get("/console/operators")).status).toBe(200);
});

test("an operator of Access may what their roles say, and no more", async () => {
  const visit = await visitorOf("leo@example.com");
  await pressButton(visit);
  expect((await visit.get("/console")).status).toBe(200);
  expect((await visit.get("/console/operators")).status).toBe(403);
});

test("nobody is let in who is no operator, or whose assertion another key signed", async () => {
  const stranger = await visitorOf("stranger@example.com");
  expect((await pressButton(stranger)).status).toBe(403);
  expect(await stranger.isIn("console")).toBe(false);
  const other = await generateKeyPair("RS256");
  const forged = await visitorOf("ana@example.com", other.privateKey);
  expect((await pressButton(forged)).status).toBe(401);
  expect(await forged.isIn("console")).toBe(false);
});

test("a session of Access is no good without Access, nor with somebody else's", async () => {
  const visit = await visitorOf("ana@example.com");
  await pressButton(visit);
  expect(await visit.isIn("console")).toBe(true);
  for (const headers of [{}, { "cf-access-jwt-assertion": await assertionOf("leo@example.com") }]) {
    const thief = new Visit(headers, behindAccess.call);
    for (const [name, value] of visit.cookies) thief.cookies.set(name, value);
    expect(await thief.isIn("console"), JSON.stringify(Object.keys(headers))).toBe(false);
  }
});

test("a session of Access ends when its operator is revoked", async () => {
  const visit = await visitorOf("ana@example.com");
  await pressButton(visit);
  expect(await visit.isIn("console")).toBe(true);
  const other = await adminJson<{ id: string }>("/operators", {
    body: { name: "Bia", email: "bia@example.com", roles: ["admin"] },
  });
  await adminJson(`/operators/${admin.id}/revoke`, { method: "POST" });
  expect(await visit.isIn("console")).toBe(false);
  const rows = await env.DB.prepare("SELECT count(*) AS n FROM page_sessions WHERE subject LIKE '%@%'").first("n");
  expect([other.id === "", rows]).toEqual([false, 0]);
});
