import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { findGateway } from "../../src/ctl/api/find_gateway.ts";
import { keepToken, keptToken, tokensFile } from "../../src/ctl/api/kept_tokens.ts";
import { configFolder } from "../../src/ctl/config_folder.ts";

const root = mkdtempSync(join(tmpdir(), "claro-score-gateway-tokens-"));
const file = tokensFile({ XDG_CONFIG_HOME: root });
const URL_A = "https://a.example";
const URL_B = "https://b.example";

beforeEach(() => {
  rmSync(dirname(file), { recursive: true, force: true });
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

describe("kept tokens", () => {
  test("are one for each gateway, in a file for its owner only", () => {
    keepToken(URL_A, "token-a", file);
    keepToken(URL_B, "token-b", file);
    expect([keptToken(URL_A, file), keptToken(URL_B, file), keptToken("https://c.example", file)]).toEqual([
      "token-a",
      "token-b",
      undefined,
    ]);
    expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
    expect((statSync(dirname(file)).mode & 0o777).toString(8)).toBe("700");
    expect(readdirSync(dirname(file))).toEqual(["tokens.json"]);
    keepToken(URL_A, null, file);
    expect([keptToken(URL_A, file), keptToken(URL_B, file)]).toEqual([undefined, "token-b"]);
  });

  test("are not read from a file that others can read, nor from a damaged one", () => {
    keepToken(URL_A, "token-a", file);
    chmodSync(file, 0o644);
    expect(() => keptToken(URL_A, file)).toThrow(/chmod 600/);
    chmodSync(file, 0o600);
    writeFileSync(file, '{"https://a.ex');
    expect(() => keptToken(URL_A, file)).toThrow(/damaged/);
    expect(readFileSync(file, "utf8")).toBe('{"https://a.ex');
  });

  test("go to their own gateway only, after what the environment says", () => {
    const kept = (url: string) => (url === URL_A ? "token-a" : undefined);
    const places = { env: {}, note: join(root, "none"), devVars: () => ({ ADMIN_TOKEN: "local" }), kept };
    expect(findGateway(URL_A, places).adminToken).toBe("token-a");
    expect(findGateway(`${URL_A}/`, places).adminToken).toBe("token-a");
    expect(() => findGateway(URL_B, places)).toThrow(/ctl -- login/);
    expect(findGateway("http://127.0.0.1:1", places).adminToken).toBe("local");
    const env = { CLARO_GATEWAY_ADMIN_TOKEN: "of-env" };
    expect(findGateway(URL_A, { ...places, env }).adminToken).toBe("of-env");
  });
});

test("a config folder that is no absolute path is the home's, and never within the folder where the command is run", () => {
  for (const path of [undefined, "", " ", ".", "..", "config", "./config", "~/.config"])
    for (const env of [{ XDG_CONFIG_HOME: path }, { APPDATA: path }, { XDG_CONFIG_HOME: path, APPDATA: path }])
      expect(configFolder(env)).toBe(join(homedir(), ".config", "claro-score-gateway"));
  expect(configFolder({ XDG_CONFIG_HOME: "config", APPDATA: "/data" })).toBe(join("/data", "claro-score-gateway"));
  expect(configFolder({ XDG_CONFIG_HOME: "/somewhere" })).toBe(join("/somewhere", "claro-score-gateway"));
});
