import { cpfCheckDigits } from "../../../src/domain/cpf.ts";
import { cnpjCheckDigits } from "../../../src/domain/cnpj.ts";
import { CLARO_MS_BOUNDS } from "../../../src/domain/ledger/day_sums.ts";
import { periodOf, previousPeriod, saoPauloDate, type Period } from "../../../src/domain/period.ts";
import { MAGIC_CPFS } from "../../../src/sandbox/magic_cpfs.ts";
import type { PagesGateway } from "./gateway.ts";

/** What there is to see, and where: every page of the console and of the portal, by a name for its picture. */
export type World = {
  readonly tenantId: string;
  readonly key: string;
  readonly lookupId: string;
  readonly consolePaths: Readonly<Record<string, string>>;
  readonly portalPaths: Readonly<Record<string, string>>;
};

const NAMES = [
  "Loja São João",
  "Cooperativa de Crédito dos Trabalhadores da Indústria Metalúrgica do Vale do Paraíba e Litoral Norte Ltda.",
  "Banco Exemplo",
  "Financeira Ágil",
  "Móveis & Cia <Centro>",
  "Fintech Aurora",
];
const DAY_MS = 86_400_000;
const DAYS = 60;

/** Partners with keys, lookups of today, and days before them as D1 has them. */
export async function furnish(gateway: PagesGateway): Promise<World> {
  const { admin, url } = gateway;
  const period = previousPeriod(periodOf(Date.now()));
  await admin(`/upstream-prices/${period}`, { tiers: [{ upTo: null, unitPriceMicros: 90_000 }] }, "PUT");
  const ids: string[] = [];
  for (const [index, name] of NAMES.entries()) {
    const base = `${String(10 + index)}ABC345000${index}`.slice(0, 12).padEnd(12, "1");
    const plan = {
      name: index === 5 ? "trial" : "pay-per-use",
      ...(index === 5
        ? {}
        : {
            tiers: [
              { upTo: 1000, unitPriceMicros: 150_000 },
              { upTo: null, unitPriceMicros: 120_000 },
            ],
          }),
      ...(index < 3 ? { monthlySpendCapMicros: 2_000_000_000 } : {}),
    };
    const document = `${base}${cnpjCheckDigits(base)}`;
    const tenant = await admin<{ id: string }>("/tenants", { name, document, customerId: `cliente_${index}`, plan });
    ids.push(tenant.id);
  }
  const [tenantId = "", second = ""] = ids;
  const live = await admin<{ key: string }>(`/tenants/${tenantId}/keys`, {
    mode: "live",
    label: "checkout",
    expiresAt: new Date(Date.now() + 5 * DAY_MS).toISOString(),
  });
  const { key } = await admin<{ key: string }>(`/tenants/${tenantId}/keys`, { mode: "test", label: "vitrine" });
  await admin(`/tenants/${second}`, { status: "suspended" }, "PATCH");
  const lookupIds = await lookUp(url, live.key);
  await writeDays(gateway, ids);
  await admin("/operators", { name: "Ana Souza", email: "ana@example.com", roles: ["operate", "finance"] });
  const lookupId = lookupIds[0] ?? "";
  return { tenantId, key, lookupId, ...pathsOf({ tenantId, keyId: live.key.slice(0, 19), lookupId, period }) };
}

/** Every page, for one tenant with a key and a lookup, and a month that has ended. */
export function pathsOf({
  tenantId,
  keyId,
  lookupId,
  period,
}: {
  tenantId: string;
  keyId: string;
  lookupId: string;
  period: Period;
}): Pick<World, "consolePaths" | "portalPaths"> {
  const tenant = `/console/tenants/${tenantId}`;
  return {
    consolePaths: {
      overview: "/console",
      search: "/console/search",
      tenants: "/console/tenants",
      "tenants-none": "/console/tenants?q=ninguém",
      "tenant-new": "/console/tenants/new",
      tenant,
      "tenant-edit": `${tenant}/edit`,
      plan: `${tenant}/plan`,
      "key-new": `${tenant}/keys/new`,
      key: `${tenant}/keys/${keyId}`,
      adjustments: `${tenant}/adjustments`,
      statements: `${tenant}/statements`,
      statement: `${tenant}/statements/${periodOf(Date.now())}`,
      lookups: "/console/lookups",
      lookup: `/console/lookups/${lookupId}`,
      months: "/console/months",
      month: `/console/months/${periodOf(Date.now())}`,
      "month-ended": `/console/months/${period}`,
      people: "/console/people",
      health: "/console/health",
      audit: "/console/audit",
      operators: "/console/operators",
      "operator-new": "/console/operators/new",
      missing: "/console/nothing",
    },
    portalPaths: {
      overview: "/portal",
      try: "/portal/try",
      keys: "/portal/keys",
      usage: "/portal/usage",
      "usage-by-key": "/portal/usage?by=key",
      statements: "/portal/statements",
      statement: `/portal/statements/${periodOf(Date.now())}`,
      lookups: "/portal/lookups",
      integrate: "/portal/integrate",
    },
  };
}

/** Some that are delivered, and each that is not. */
async function lookUp(url: string, key: string): Promise<string[]> {
  const cpfs = [
    ...Array.from({ length: 12 }, (_, n) => String(710_000_000 + n)).map((nine) => `${nine}${cpfCheckDigits(nine)}`),
    ...MAGIC_CPFS.filter(({ name }) => !/timeout|slow/.test(name)).map(({ cpf }) => cpf.replaceAll(/\D/g, "")),
  ];
  const ids: string[] = [];
  for (const [index, cpf] of cpfs.entries()) {
    const response = await fetch(`${url}/v1/scores`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ cpf, reference: `pedido-${index}` }),
    });
    const { id } = await response.json<{ id?: string }>();
    if (id !== undefined) ids.push(id);
  }
  return ids;
}

/** Days as ledgers copy them: a weekday's pattern, some that fail. Only what pages read of it. */
async function writeDays({ worker }: PagesGateway, ids: readonly string[]): Promise<void> {
  const db = await worker.miniflare.getD1Database("DB");
  const statements = ids.flatMap((id, index) =>
    Array.from({ length: DAYS }, (_, day) => {
      const atMs = Date.now() - (DAYS - 1 - day) * DAY_MS;
      const weekday = new Date(atMs).getUTCDay();
      const delivered = Math.round((90 - index * 12) * (weekday % 6 === 0 ? 0.4 : 1) * (1 + Math.sin(day / 4) / 5));
      const counts = [delivered, Math.round(delivered / 12), 1, index === 2 ? 9 : 1, 0];
      const claroMs = CLARO_MS_BOUNDS.map((_bound, bucket) =>
        bucket === 3 ? delivered : bucket < 8 ? 2 + (day % 3) : 0,
      );
      const hours = {
        "09": counts.map((count) => Math.round(count / 2)),
        "14": counts.map((count) => Math.round(count / 2)),
      };
      const sums = { counts, billed: delivered, amountMicros: delivered * 150_000, claroMs: [...claroMs, 0], hours };
      return db
        .prepare(
          "INSERT INTO usage_days (date, tenant_id, mode, last_seq, sums) VALUES (?, ?, 'live', 0, ?) ON CONFLICT DO NOTHING",
        )
        .bind(saoPauloDate(atMs), id, JSON.stringify(sums));
    }),
  );
  await db.batch(statements);
}
