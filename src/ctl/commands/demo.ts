import { InvalidArgumentError, type Command } from "commander";
import { assertPresent } from "../../domain/assert.ts";
import { cnpjCheckDigits } from "../../domain/cnpj.ts";
import { DAY_MS } from "../../domain/instant.ts";
import { formatMicros, parseAmountMicros } from "../../domain/money.ts";
import { formatSaoPaulo, nextPeriod, periodBounds, periodOf, type Period } from "../../domain/period.ts";
import type { AdminApi } from "../api/admin_api.ts";
import { CtlError, EXIT, usageError } from "../ctl_error.ts";
import { DEMO_PARTNERS, demoStartMs, demoTraffic, type DemoLookup } from "../local/demo_traffic.ts";
import { isOnThisMachine } from "../local/local_gateway.ts";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { print } from "../terminal/output.ts";
import { withProgressBar, type Steps } from "../terminal/progress.ts";
import { instant } from "./read_arguments.ts";

const SEED = 20_261_128;
const TENANT_NEAR_CAP = 0;
const CAP_SHARE = 0.92;
const MICROS_PER_REAL = 1_000_000;
const KEY_ENDS_IN_DAYS = 9;
const UPSTREAM_MICROS = 300_000;

type Party = { readonly id: string; readonly keys: readonly string[] };
type Filled = {
  readonly partners: number;
  readonly lookups: number;
  readonly closed: readonly string[];
  /** One of the partners. */
  readonly tenantId: string;
};

/** `demo fill`: eight weeks of a dozen partners, on a gateway of this machine. */
export function addDemoCommands(program: Command): void {
  const demo = withExamples(
    addGroup(program, "demo", "Fills a gateway on this machine with partners and their lookups, to look at."),
    ["demo fill"],
  );
  withExamples(
    demo
      .command("fill")
      .description(
        `Lives through eight weeks of ${DEMO_PARTNERS.length} partners within two minutes: months are closed, Claro fails once, a ` +
          "partner comes near its cap. The simulator answers; only a gateway of npm start takes it.",
      )
      .option(
        "--until <instant>",
        "their end, such as 2026-11-27T12:00:00-03:00, where the gateway's clock was moved (default: now)",
        pastInstant,
      )
      .action(fill),
    ["demo fill"],
  );
}

/** A time that has been: nobody has made lookups tomorrow. */
function pastInstant(text: string): number {
  const atMs = Date.parse(instant(text));
  if (atMs > Date.now()) throw new InvalidArgumentError("It must be an instant of the past.");
  return atMs;
}

async function fill({ until }: { until?: number }, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  if (!isOnThisMachine(api.url)) throw usageError(`demo fill is for a gateway on this machine, not for ${api.url}`);
  const { data } = await api.get<{ data: readonly { customerId: string }[] }>("/tenants", { limit: 200 });
  if (data.some(({ customerId }) => customerId === DEMO_PARTNERS[0]?.customerId)) {
    throw new CtlError(
      EXIT.refused,
      "The demo's partners are there already. For new ones: npm start -- --persist-to DIR",
    );
  }
  const endMs = until ?? Date.now();
  const filled = await withProgressBar(
    { message: "Living through eight weeks", steps: Math.round((endMs - demoStartMs(endMs)) / DAY_MS) },
    async (steps) => await new DemoFill(api, steps).run(endMs),
  );
  print(filled, { json, human: () => humanText(api.url, filled) });
}

function humanText(url: string, { partners, lookups, closed, tenantId }: Filled): string {
  return (
    `${partners} partners made ${lookups} lookups in eight weeks; ${closed.join(" and ")} are closed.\n` +
    `Look: ${url}/console, and as a partner: npm run ctl -- tenants portal-link ${tenantId}`
  );
}

/** One filling of a gateway: its clock goes from eight weeks ago to now. */
class DemoFill {
  readonly #api: AdminApi;
  readonly #steps: Steps;
  readonly #parties: Party[] = [];
  readonly #closed: Period[] = [];
  #lookups = 0;

  constructor(api: AdminApi, steps: Steps) {
    this.#api = api;
    this.#steps = steps;
  }

  async run(nowMs: number): Promise<Filled> {
    try {
      const startMs = demoStartMs(nowMs);
      await this.#standAt(startMs);
      await this.#api.put(`/upstream-prices/${periodOf(startMs)}`, {
        tiers: [{ upTo: null, unitPriceMicros: UPSTREAM_MICROS }],
      });
      for (const index of DEMO_PARTNERS.keys()) this.#parties.push(await this.#makeParty(index, nowMs));
      await this.#live(startMs, nowMs);
      const [first] = this.#parties;
      const tenantId = assertPresent(first, "the demo has no partner").id;
      return { partners: this.#parties.length, lookups: this.#lookups, closed: this.#closed, tenantId };
    } finally {
      await this.#api.post("/local-clock", { offsetMs: null });
      await this.#finish();
    }
  }

  async #live(startMs: number, nowMs: number): Promise<void> {
    let period = periodOf(startMs);
    let day = "";
    for (const { atMs, lookups } of demoTraffic(nowMs, SEED)) {
      if (periodOf(atMs) !== period) {
        await this.#standAt(periodBounds(period).endMs + DAY_MS / 4);
        await this.#close(period);
        period = nextPeriod(period);
      }
      await this.#standAt(atMs);
      await Promise.all(lookups.map(async (lookup) => await this.#lookUp(lookup)));
      const today = formatSaoPaulo(atMs).slice(0, 10);
      if (today !== day) this.#steps.advance(`${today}, ${this.#lookups} lookups`);
      day = today;
    }
  }

  async #makeParty(index: number, nowMs: number): Promise<Party> {
    const partner = DEMO_PARTNERS[index];
    if (partner === undefined) throw new RangeError(`no partner ${index}`);
    const { name, legalName, document, customerId, unitPriceMicros } = partner;
    const plan = { name: "pay-per-use", tiers: [{ upTo: null, unitPriceMicros }], ratePerSecond: 100, burst: 1000 };
    const about = { name, legalName, customerId, document: `${document}${cnpjCheckDigits(document)}`, plan };
    const { id } = await this.#api.post<{ id: string }>("/tenants", about);
    const keys: string[] = [];
    for (const label of partner.keys) {
      const ends =
        index === 1 && keys.length === 1
          ? { expiresAt: new Date(nowMs + KEY_ENDS_IN_DAYS * DAY_MS).toISOString() }
          : {};
      keys.push((await this.#api.post<{ key: string }>(`/tenants/${id}/keys`, { mode: "live", label, ...ends })).key);
    }
    return { id, keys };
  }

  async #lookUp({ partner, key, cpf, reference }: DemoLookup): Promise<void> {
    const credential = assertPresent(this.#parties[partner]?.keys[key], `partner ${partner} has no key ${key}`);
    const response = await fetch(`${this.#api.url}/v1/scores`, {
      method: "POST",
      headers: { authorization: `Bearer ${credential}`, "content-type": "application/json" },
      body: JSON.stringify({ cpf, reference, purpose: "credit_granting", legalBasis: "credit_protection" }),
    });
    // A body that is not read to its end costs its connection.
    await response.arrayBuffer();
    this.#lookups += 1;
  }

  async #close(period: Period): Promise<void> {
    const [first] = this.#parties;
    if (first !== undefined) {
      const credit = {
        id: `cortesia-${period}`,
        corrects: period,
        units: 0,
        amount: "-5.00",
        reason: "cortesia pela instabilidade",
      };
      await this.#api.post(`/tenants/${first.id}/adjustments`, credit);
    }
    for (;;) {
      const { remaining, failures } = await this.#api.post<{ remaining: number; failures: unknown[] }>(
        `/periods/${period}/close`,
      );
      if (remaining === 0) break;
      if (failures.length > 0)
        throw new CtlError(EXIT.refused, `${period} could not be closed: ${JSON.stringify(failures[0])}`);
    }
    this.#closed.push(period);
  }

  /** A partner near its cap, and every ledger's lookups in D1, so that the pages have them. */
  async #finish(): Promise<void> {
    for (const [index, { id }] of this.#parties.entries()) {
      if (index === TENANT_NEAR_CAP) {
        const { totals } = await this.#api.get<{ totals: { amount: string } }>(`/tenants/${id}/usage`);
        const spent = parseAmountMicros(totals.amount);
        if (spent.ok && spent.value > 0) {
          const monthlySpendCapMicros = Math.round(spent.value / CAP_SHARE / MICROS_PER_REAL) * MICROS_PER_REAL;
          await this.#api.patch(`/tenants/${id}`, { plan: { monthlySpendCapMicros } });
        }
      }
      await this.#api.get("/lookups", { tenant: id, reference: formatMicros(0) });
    }
  }

  async #standAt(atMs: number): Promise<void> {
    await this.#api.post("/local-clock", { offsetMs: Math.round(atMs - Date.now()) });
  }
}
