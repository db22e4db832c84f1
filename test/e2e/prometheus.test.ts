import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endAll, freePort, startGateway, startSandbox, stateDirs } from "./support/gateway_process.ts";
import { newLiveTenant, newOperator } from "./support/operator.ts";
import { PROJECT_ROOT, run, type RunningProcess } from "./support/processes.ts";

const hasPrometheus = spawnSync("prometheus", ["--version"]).status === 0;
if (!hasPrometheus) console.warn("skipped: prometheus is not installed, no gateway was watched with it");

const FILES = join(PROJECT_ROOT, "docs/monitoring");
const WAIT_MS = 60_000;
const CPF = "111.444.777-35";
const PLAN = {
  name: "pay-per-use",
  tiers: [{ upTo: null, unitPriceMicros: 150_000 }],
  monthlySpendCapMicros: 500_000,
};
const NOT_FOUND = "404.404.404-08";

type Panel = { readonly title: string; readonly targets: readonly { readonly expr: string }[] };
type Dashboard = {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly query: { readonly query?: string };
    }[];
  };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
};
type Series = { readonly metric: Readonly<Record<string, string>>; readonly value: readonly [number, string] };

const dirs = stateDirs();
const started: RunningProcess[] = [];

afterAll(async () => {
  await endAll(started);
  dirs.remove();
});

describe.skipIf(!hasPrometheus)(
  "Prometheus, with the files of docs/monitoring, beside a gateway",
  { timeout: 180_000 },
  () => {
    let base = "";
    let gatewayUrl = "";

    beforeAll(async () => {
      const sandbox = await startSandbox();
      started.push(sandbox);
      const vars = { CLARO_BASE_URL: sandbox.url, METRICS_ENABLED: "true", LEDGER_FLUSH_MS: "500" };
      const gateway = await startGateway({ stateDir: dirs.make(), as: "node", vars });
      started.push(gateway);
      gatewayUrl = gateway.url;
      const { key } = await newLiveTenant(gatewayUrl, { plan: PLAN, customerId: "cliente 1" });
      for (const cpf of [NOT_FOUND, CPF, CPF, CPF]) {
        const status = await lookUp(key, cpf);
        if (status !== (cpf === CPF ? 200 : 404)) throw new Error(`a lookup was answered ${status}`);
      }
      const token = await newOperator(gateway.url, { name: "Prometheus", roles: ["read"] });
      base = await watch(new URL(gateway.url).host, token);
      await until(
        async () => (await query("sum(claro_gateway_lookups_total)"))[0]?.value[1] === "4",
        "the lookups are counted",
      );
    }, 180_000);

    async function lookUp(key: string, cpf: string): Promise<number> {
      const headers = { "x-api-key": key, "content-type": "application/json" };
      const body = JSON.stringify({ cpf });
      return (await fetch(`${gatewayUrl}/v1/scores`, { method: "POST", headers, body })).status;
    }

    /** The files as they are, but for the host, the token and how often it looks. */
    async function watch(host: string, token: string): Promise<string> {
      const place = dirs.make();
      const rules = readFileSync(join(FILES, "alerts.rules.yml"), "utf8");
      writeFileSync(join(place, "alerts.rules.yml"), rules.replaceAll(/^ {8}for: .*$/gm, "        for: 0s"));
      writeFileSync(join(place, "operator-token"), token);
      const config = readFileSync(join(FILES, "prometheus.yml"), "utf8")
        .replace("scheme: https", "scheme: http")
        .replace("gateway.example.com", host)
        .replaceAll("30s", "1s")
        .replace("scrape_timeout: 20s", "scrape_timeout: 1s");
      writeFileSync(join(place, "prometheus.yml"), config);
      const address = `127.0.0.1:${await freePort()}`;
      const args = ["--config.file", join(place, "prometheus.yml"), "--storage.tsdb.path", join(place, "data")];
      started.push(run("prometheus", [...args, "--web.listen-address", address]));
      return `http://${address}`;
    }

    async function ask<Data>(path: string): Promise<Data> {
      const response = await fetch(`${base}/api/v1/${path}`);
      const { status, data, error } = await response.json<{ status: string; data: Data; error?: string }>();
      if (status !== "success") throw new Error(`${path}: ${error}`);
      return data;
    }

    async function query(expr: string): Promise<readonly Series[]> {
      return (await ask<{ result: readonly Series[] }>(`query?query=${encodeURIComponent(expr)}`)).result;
    }

    async function valueOf(expr: string): Promise<string | undefined> {
      return (await query(expr))[0]?.value[1];
    }

    test("the scrape is taken whole, and the counters say what was charged", async () => {
      const { activeTargets } = await ask<{ activeTargets: readonly { health: string; lastError: string }[] }>(
        "targets",
      );
      expect(activeTargets).toMatchObject([{ health: "up", lastError: "" }]);
      expect(await valueOf('claro_gateway_lookups_total{outcome="delivered"}')).toBe("3");
      expect(await valueOf('claro_gateway_lookups_total{outcome="not_found"}')).toBe("1");
      expect(await valueOf("claro_gateway_billed_brl_total")).toBe("0.45");
      expect(await valueOf("claro_gateway_claro_duration_seconds_count")).toBe("4");
      expect(await valueOf("claro_gateway_source_up == 0")).toBeUndefined();
    });

    test("it knows the metrics' types and their help", async () => {
      const known = await ask<Record<string, readonly { type: string; help: string }[]>>("metadata");
      // The family's name is without what its samples have behind it.
      expect(known["claro_gateway_lookups"]?.[0]).toMatchObject({
        type: "counter",
        help: expect.stringContaining("Live lookups"),
      });
      expect(known["claro_gateway_claro_duration_seconds"]?.[0]?.type).toBe("histogram");
    });

    test("every rule can be evaluated, and an alert comes: the tenant has used 90 % of its cap", async () => {
      type Rules = { groups: readonly { rules: readonly { name: string; health: string; lastError?: string }[] }[] };
      await until(async () => {
        const { groups } = await ask<Rules>("rules");
        return groups.flatMap(({ rules }) => rules).every(({ health }) => health !== "unknown");
      }, "every rule was evaluated");
      const { groups } = await ask<Rules>("rules");
      const rules = groups.flatMap((group) => group.rules);
      expect(rules.length).toBeGreaterThan(20);
      expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
      await until(
        async () => (await valueOf('ALERTS{alertname="TenantNearsItsCap",alertstate="firing"}')) === "1",
        "the alert fires",
      );
      // Nothing else is wrong with it.
      const firing = await query('ALERTS{alertstate="firing"}');
      const names = new Set(firing.map(({ metric }) => metric["alertname"]));
      names.delete("BreakGlassWasUsed");
      expect([...names]).toEqual(["TenantNearsItsCap"]);
    });

    test("every panel, variable and annotation of the dashboard has data, and each panel a number to draw", async () => {
      const { panels, templating, annotations } = JSON.parse(
        readFileSync(join(FILES, "dashboard.json"), "utf8"),
      ) as Dashboard;
      expect(panels.length).toBeGreaterThan(12);
      // Rates and quantiles are of what came between two scrapes; the first tenant's cap has no room for it.
      const { monthlySpendCapMicros: _, ...uncapped } = PLAN;
      const { key } = await newLiveTenant(gatewayUrl, { plan: uncapped, customerId: "cliente 2" });
      expect(await lookUp(key, CPF)).toBe(200);

      // As Grafana does: each variable is asked with those before it.
      const values: Record<string, string> = { __rate_interval: "1m" };
      const filled = (text: string) => text.replaceAll(/\$(\w+)/g, (whole, name: string) => values[name] ?? whole);
      for (const { name, query: asked } of templating.list.filter(({ type }) => type === "query")) {
        const [, selector = "", label] = /^label_values\((.*), (\w+)\)$/.exec(asked.query ?? "") ?? [];
        const found = await ask<string[]>(`label/${label}/values?match[]=${encodeURIComponent(filled(selector))}`);
        expect([name, found]).toEqual([name, [expect.any(String)]]);
        values[name] = found[0] ?? "";
      }
      for (const { name, expr } of annotations.list) {
        await until(async () => (await query(filled(expr))).length > 0, `${name} has data`);
      }
      const hasNumber = async (expr: string) =>
        (await query(filled(expr))).some(({ value }) => Number.isFinite(+value[1]));
      for (const { title, targets } of panels) {
        for (const { expr } of targets) {
          expect(filled(expr)).not.toContain("$");
          await until(() => hasNumber(expr), `${title} has data`);
        }
      }
    });
  },
);

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (const endsAtMs = Date.now() + WAIT_MS; Date.now() < endsAtMs;) {
    if (await isSo().catch(() => false)) return;
    await new Promise((done) => setTimeout(done, 250));
  }
  throw new Error(`not within ${WAIT_MS} ms: ${what}`);
}
