import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { readSettings } from "../../src/platform/settings.ts";

const TEAM = "padaria.cloudflareaccess.com";

function failures(vars: Record<string, string | undefined>): readonly string[] {
  const settings = readSettings({ ...env, ...vars });
  return settings.ok ? [] : settings.failure.names;
}

function access(vars: Record<string, string>): unknown {
  const settings = readSettings({ ...env, ...vars });
  return settings.ok ? settings.value.access : settings.failure.names;
}

describe("the settings", () => {
  test("that are missing or malformed are named, all of them, without their values", () => {
    expect(failures({})).toEqual([]);
    expect(failures({ ADMIN_TOKEN: undefined, CPF_HMAC_SECRET: "short", CLARO_TIMEOUT_MS: "soon" }).toSorted()).toEqual(
      ["ADMIN_TOKEN", "CLARO_TIMEOUT_MS", "CPF_HMAC_SECRET"],
    );
  });

  test("move the clock of a local gateway only", () => {
    expect(failures({ CLOCK_OFFSET_MS: "86400000", LOCAL: "true" })).toEqual([]);
    expect(failures({ CLOCK_OFFSET_MS: "86400000", LOCAL: "false" })).toEqual(["CLOCK_OFFSET_MS"]);
    expect(failures({ CLOCK_OFFSET_MS: "1", LOCAL: undefined })).toEqual(["CLOCK_OFFSET_MS"]);
    expect(failures({ CLOCK_OFFSET_MS: "0", LOCAL: undefined })).toEqual([]);
  });

  test("of Cloudflare Access come both or not at all, as a host or an origin, over https but locally", () => {
    const origin = { issuer: `https://${TEAM}`, audience: "a" };
    expect(access({})).toBeNull();
    expect(access({ ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: "a" })).toEqual(origin);
    expect(access({ ACCESS_TEAM_DOMAIN: `https://${TEAM}/`, ACCESS_AUD: "a" })).toEqual(origin);
    expect(access({ ACCESS_TEAM_DOMAIN: TEAM })).toEqual(["ACCESS_AUD"]);
    expect(access({ ACCESS_AUD: "a" })).toEqual(["ACCESS_TEAM_DOMAIN"]);
    expect(access({ ACCESS_TEAM_DOMAIN: "not a host", ACCESS_AUD: "a" })).toEqual(["ACCESS_TEAM_DOMAIN"]);
    const local = { ACCESS_TEAM_DOMAIN: "http://127.0.0.1:1", ACCESS_AUD: "a" };
    expect(access(local)).toEqual({ issuer: "http://127.0.0.1:1", audience: "a" });
    expect(access({ ...local, LOCAL: "false" })).toEqual(["ACCESS_TEAM_DOMAIN"]);
  });
});
