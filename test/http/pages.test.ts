import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { app, ENDPOINTS, PAGES as ANSWERED } from "../../src/app.ts";
import { describeEndpoints } from "../../src/http/openapi.ts";
import { PROBLEMS } from "../../src/http/texts/problem_texts.ts";
import { MAGIC_CPFS } from "../../src/sandbox/magic_cpfs.ts";
import { call, lookup, newTenant } from "../support/gateway.ts";

/** What has an ending is a file. */
const PAGES = Object.keys(ANSWERED).filter((path) => !/\.\w+$/.test(path));
const LANGUAGES = ["pt-BR", "en"] as const;

test("/.well-known/security.txt says where a weakness is reported, and for less than a year (RFC 9116)", async () => {
  const readAt = async (vars: object) => {
    const url = "https://gateway.test/.well-known/security.txt";
    const response = await app.request(url, {}, { ...env, ...vars }, createExecutionContext());
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"]);
    return await response.text();
  };
  const told = await readAt({ SECURITY_CONTACT: "mailto:security@example.com" });
  expect(told).toContain("Contact: mailto:security@example.com\n");
  expect(told).toContain("Canonical: https://gateway.test/.well-known/security.txt\n");
  const [, expires = ""] = /^Expires: (.*)$/m.exec(told) ?? [];
  const days = (Date.parse(expires) - Date.now()) / 86_400_000;
  expect(days > 100 && days < 365).toBe(true);
  expect(await readAt({})).toMatch(/^Contact: https:\/\/gateway\.test\/$/m);
});

describe("pages", () => {
  test.each(PAGES)("%s speaks the reader's language, or the one that is asked for", async (path) => {
    const portuguese = await call(path);
    expect(portuguese.headers.get("content-language")).toBe("pt-BR");
    expect(portuguese.headers.get("vary")).toContain("Accept-Language");
    expect(await portuguese.text()).toContain('<html lang="pt-BR">');
    const english = await (await call(path, { headers: { "accept-language": "en-GB" } })).text();
    expect(english).toContain('<html lang="en">');
    expect(await (await call(`${path}?lang=en`)).text()).toBe(english);
    expect(await (await call(`${path}?lang=xx`)).text()).toContain('<html lang="pt-BR">');
  });

  test.each(PAGES)("%s runs no script, loads nothing foreign and cannot be framed", async (path) => {
    const response = await call(path);
    const policy = response.headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    const text = await response.text();
    expect(text).not.toMatch(/<script|\son\w+=|\sstyle=|javascript:/);
    for (const [, target] of text.matchAll(/(?:src|href)="([^"]*)"/g)) expect(target).toMatch(/^[/#]/);
  });

  test("the verifier of months is one file of Node's, at an address of its own", async () => {
    const path = "/.well-known/claro-score-gateway/verify_statement.mjs";
    const response = await call(path);
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="verify_statement.mjs"');
    const text = await response.text();
    expect(text.startsWith("#!/usr/bin/env node\n")).toBe(true);
    const imports = [...text.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name]) => name);
    expect(imports.length).toBeGreaterThan(2);
    for (const name of imports) expect(name).toMatch(/^node:/);
    const again = await call(path, { headers: { "if-none-match": response.headers.get("etag")! } });
    expect(again.status).toBe(304);
  });

  test.each(LANGUAGES)("every link in %s leads somewhere", async (language) => {
    const targets = new Set<string>();
    for (const path of PAGES) {
      const text = await (await call(`${path}?lang=${language}`)).text();
      for (const [, target = ""] of text.matchAll(/(?:src|href)="([^"]*)"/g)) {
        targets.add(target.startsWith("#") ? `${path}${target}` : target);
      }
    }
    expect(targets.size).toBeGreaterThan(50);
    for (const target of targets) {
      const [path = "", anchor] = target.split("#");
      const response = await call(path);
      const text = await response.text();
      expect(response.status, target).toBe(200);
      if (anchor !== undefined) expect(text.includes(`id="${anchor}"`), target).toBe(true);
    }
  });

  test("what a caller sends is never markup", async () => {
    const response = await app.request(
      'https://gateway.test/docs?lang="><i>evil',
      { headers: { host: '"><i>evil' } },
      env,
    );
    expect(await response.text()).not.toContain("<i>evil");
  });

  test("are revalidated, and reached with a slash at the end too", async () => {
    const first = await call("/docs");
    const headers = { "if-none-match": first.headers.get("etag")! };
    expect((await call("/docs", { headers })).status).toBe(304);
    expect((await call("/docs", { headers: { ...headers, "accept-language": "en" } })).status).toBe(200);
    const slashed = await app.request("https://gateway.test/docs/", { redirect: "manual" }, env);
    expect([slashed.status, slashed.headers.get("location")]).toEqual([301, "https://gateway.test/docs"]);
  });
});

describe("/docs/errors", () => {
  test.each(LANGUAGES)("explains every code in %s at its own anchor", async (language) => {
    const text = await (await call(`/docs/errors?lang=${language}`)).text();
    for (const code of Object.keys(PROBLEMS)) expect(text).toContain(`id="${code}"`);
    const anchors = [...text.matchAll(/id="(\w+)"/g)].map(([, id]) => id).filter((id) => id !== "main");
    expect(anchors).toEqual(Object.keys(PROBLEMS));
  });
});

describe("/docs", () => {
  test.each(LANGUAGES)("tells of every call in %s", async (language) => {
    const text = await (await call(`/docs?lang=${language}`)).text();
    for (const { id, summary, description } of ENDPOINTS) {
      expect(text).toContain(`id="${id}"`);
      expect(text).toContain(escaped(summary[language]));
      for (const part of (description?.[language] ?? "").split("`")) expect(text).toContain(escaped(part));
    }
  });

  test("has no word of the one language in the other", async () => {
    const kind = { origin: "https://gateway.test", audience: "everyone" } as const;
    const [inEnglish, inPortuguese] = [
      describeEndpoints(ENDPOINTS, { ...kind, language: "en" }),
      describeEndpoints(ENDPOINTS, { ...kind, language: "pt-BR" }),
    ].map(
      (document) =>
        new Set(
          [...JSON.stringify(document).matchAll(/"(?:description|summary)":"([^"\\]{12,})"/g)].map(
            ([, text = ""]) => text,
          ),
        ),
    );
    const pages: Record<string, string> = {};
    for (const language of LANGUAGES) pages[language] = await (await call(`/docs?lang=${language}`)).text();
    const shown = (texts: Set<string> | undefined, page: string | undefined) =>
      [...(texts ?? [])].filter((text) => text.split("`").every((part) => page?.includes(escaped(part)) === true));
    expect(shown(inPortuguese, pages["pt-BR"]).length).toBeGreaterThan(120);
    expect(shown(inEnglish, pages["en"]).length).toBeGreaterThan(120);
    expect(shown(inEnglish, pages["pt-BR"])).toEqual([]);
    expect(shown(inPortuguese, pages["en"])).toEqual([]);
  });

  test.each(MAGIC_CPFS.map(({ name, cpf, failure }) => ({ name, failure, digits: [...cpf] })))(
    "the magic CPF $name answers as the table says",
    async ({ failure: code, digits }) => {
      const tenant = await newTenant({ mode: "test" });
      const response = await lookup(tenant.key, digits.join(""));
      expect(response.status).toBe(code === null ? 200 : PROBLEMS[code].status);
      if (code !== null) expect(await response.json()).toMatchObject({ code });
    },
  );
});

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("'", "&#39;").replaceAll('"', "&quot;");
}
