import { cpfCheckDigits } from "../../domain/cpf.ts";
import { DAY_MS, HOUR_MS } from "../../domain/instant.ts";
import {
  formatSaoPaulo,
  periodBounds,
  periodOf,
  previousPeriod,
  saoPauloDate,
  startOfDayMs,
} from "../../domain/period.ts";
import { MAGIC_CPFS } from "../../sandbox/magic_cpfs.ts";
import { seededRandom } from "../sandbox/seeded_random.ts";

/** What a made-up partner is like. */
export type DemoPartner = {
  readonly name: string;
  readonly legalName: string;
  /** The CNPJ's first twelve characters. */
  readonly document: string;
  readonly customerId: string;
  readonly keys: readonly string[];
  /** Lookups on an ordinary weekday, and the share of them on a day of the weekend. */
  readonly weekday: number;
  readonly weekend: number;
  /** The hours between which people work there. */
  readonly opens: number;
  readonly closes: number;
  readonly growthAWeek: number;
  readonly unitPriceMicros: number;
};

const OFFICE = { opens: 8, closes: 18, weekend: 0.1, growthAWeek: 1.01, unitPriceMicros: 450_000 };
const SHOP = { opens: 9, closes: 21, weekend: 1.2, growthAWeek: 1.02, unitPriceMicros: 550_000 };

export const DEMO_PARTNERS: readonly DemoPartner[] = [
  {
    ...SHOP,
    name: "Lojas Aurora",
    legalName: "Lojas Aurora Comércio Ltda.",
    document: "AURORA000001",
    customerId: "aurora",
    keys: ["checkout", "loja física"],
    weekday: 12,
  },
  {
    ...OFFICE,
    name: "Crédito Ipê",
    legalName: "Ipê Sociedade de Crédito Direto S.A.",
    document: "IPECRED00001",
    customerId: "ipe",
    keys: ["esteira", "reanálise"],
    weekday: 13,
  },
  {
    ...SHOP,
    name: "Móveis Jacarandá",
    legalName: "Jacarandá Móveis e Decorações Ltda.",
    document: "JACARAND0001",
    customerId: "jacaranda",
    keys: ["crediário"],
    weekday: 6,
    growthAWeek: 0.98,
  },
  {
    ...OFFICE,
    name: "Consórcio Nacional Sul",
    legalName: "Consórcio Nacional Sul Administradora Ltda.",
    document: "CONSORCI0001",
    customerId: "consorcio_sul",
    keys: ["vendas"],
    weekday: 5,
  },
  {
    ...SHOP,
    name: "Farmácias Bem-Te-Vi",
    legalName: "Bem-Te-Vi Drogarias S.A.",
    document: "BEMTEVI00001",
    customerId: "bemtevi",
    keys: ["clube"],
    weekday: 7,
    weekend: 0.9,
  },
  {
    ...OFFICE,
    name: "Telecom Planalto",
    legalName: "Planalto Telecomunicações Ltda.",
    document: "PLANALTO0001",
    customerId: "planalto",
    keys: ["ativação", "portabilidade"],
    weekday: 10,
    weekend: 0.5,
    closes: 22,
  },
  {
    ...OFFICE,
    name: "Imobiliária Guará",
    legalName: "Guará Negócios Imobiliários Ltda.",
    document: "GUARA0000001",
    customerId: "guara",
    keys: ["locação"],
    weekday: 3,
  },
  {
    ...SHOP,
    name: "Motos Caatinga",
    legalName: "Caatinga Motos e Peças Ltda.",
    document: "CAATINGA0001",
    customerId: "caatinga",
    keys: ["financiamento"],
    weekday: 4,
    growthAWeek: 1.06,
  },
  {
    ...OFFICE,
    name: "Escola Horizonte",
    legalName: "Instituto Educacional Horizonte Ltda.",
    document: "HORIZON00001",
    customerId: "horizonte",
    keys: ["matrícula"],
    weekday: 3,
    weekend: 0,
  },
  {
    ...OFFICE,
    name: "Energia Solar Cerrado",
    legalName: "Cerrado Energia Solar S.A.",
    document: "CERRADO00001",
    customerId: "cerrado",
    keys: ["propostas"],
    weekday: 4,
    growthAWeek: 1.08,
  },
  {
    ...SHOP,
    name: "Ótica Mirante",
    legalName: "Mirante Comércio de Óculos Ltda.",
    document: "MIRANTE00001",
    customerId: "mirante",
    keys: ["balcão"],
    weekday: 3,
    weekend: 0.6,
  },
  {
    ...OFFICE,
    name: "Cobrança Paineira",
    legalName: "Paineira Recuperação de Créditos Ltda.",
    document: "PAINEIRA0001",
    customerId: "paineira",
    keys: ["lote"],
    weekday: 8,
    weekend: 0,
  },
];

export type DemoLookup = {
  readonly partner: number;
  readonly key: number;
  readonly cpf: string;
  readonly reference: string;
};
/** The lookups of an hour or a few, at one of its minutes. */
export type DemoMoment = { readonly atMs: number; readonly lookups: readonly DemoLookup[] };

const NIGHT_SHARE = 0.04;
const LEAST_DAYS = 56;
/** Pages show hours of a day or two. Before them lookups of six hours are made at once, for each moment is waited for. */
const HOURLY_DAYS = 2;
const HOURS_AT_ONCE = 6;
/** The hours of São Paulo in which Claro failed last: today where they are over, else yesterday. */
const INCIDENT = { from: 13, to: 15 };
/** How lookups end when all is well, in a hundred. */
const NOT_FOUND_PERCENT = 5;
const REJECTED_PERCENT = 1;
const FAILED_PERCENT = 1;

/** Eight weeks before `nowMs`, or somewhat more: so that two months have ended since. */
export function demoStartMs(nowMs: number): number {
  const previous = periodBounds(previousPeriod(periodOf(nowMs)));
  return Math.min(nowMs - LEAST_DAYS * DAY_MS, previous.startMs - 3 * DAY_MS);
}

/** Lookups of weeks up to `nowMs`, in their order, the same for the same seed. */
export function* demoTraffic(nowMs: number, seed: number): Generator<DemoMoment, void, void> {
  const random = seededRandom(seed);
  const startMs = Math.ceil(demoStartMs(nowMs) / HOUR_MS) * HOUR_MS;
  const incident = incidentBefore(nowMs);
  const hourlyFromMs = nowMs - HOURLY_DAYS * DAY_MS;
  let person = 0;
  let waiting: DemoLookup[] = [];
  for (let hourMs = startMs; hourMs + HOUR_MS <= nowMs; hourMs += HOUR_MS) {
    const { hour, weekday } = hourOf(hourMs);
    const isIncident = hourMs >= incident.startMs && hourMs < incident.endMs;
    const made = DEMO_PARTNERS.flatMap((partner, index) => {
      const wanted = meanOf(partner, { hour, weekday, week: (hourMs - startMs) / (7 * DAY_MS) });
      return Array.from({ length: drawn(wanted, random) }, (): DemoLookup => {
        person += 1;
        const reference = `${partner.customerId}-${String(person).padStart(6, "0")}`;
        const key = Math.floor(random() ** 2 * partner.keys.length);
        return { partner: index, key, cpf: drawCpf(person, isIncident, random), reference };
      });
    });
    waiting = [...waiting, ...made];
    // The last of six hours ends no later than its day.
    const isDue = hourMs >= hourlyFromMs || hour % HOURS_AT_ONCE === HOURS_AT_ONCE - 1;
    if (!isDue || waiting.length === 0) continue;
    yield { atMs: hourMs + Math.floor(random() * HOUR_MS), lookups: waiting };
    waiting = [];
  }
}

function incidentBefore(nowMs: number): { startMs: number; endMs: number } {
  const todayMs = startOfDayMs(saoPauloDate(nowMs));
  const endMs = todayMs + INCIDENT.to * HOUR_MS;
  const isOver = endMs <= nowMs;
  const startMs = todayMs + INCIDENT.from * HOUR_MS;
  return isOver ? { startMs, endMs } : { startMs: startMs - DAY_MS, endMs: endMs - DAY_MS };
}

/** Lookups of an hour as they are to be expected. */
function meanOf(
  partner: DemoPartner,
  { hour, weekday, week }: { hour: number; weekday: number; week: number },
): number {
  const share = weekday === 0 || weekday === 6 ? partner.weekend : 1;
  const isOpen = hour >= partner.opens && hour < partner.closes;
  const hours = partner.closes - partner.opens;
  // The middle of the day is twice as busy as its ends.
  const shape = isOpen ? 0.6 + 0.8 * Math.sin((Math.PI * (hour - partner.opens + 0.5)) / hours) : NIGHT_SHARE;
  return (partner.weekday * share * partner.growthAWeek ** week * shape) / (hours * 1.11);
}

/** A number of lookups with this mean (Poisson). */
function drawn(mean: number, random: () => number): number {
  const limit = Math.exp(-mean);
  let product = random();
  let count = 0;
  while (product > limit) {
    product *= random();
    count += 1;
  }
  return count;
}

function drawCpf(person: number, isIncident: boolean, random: () => number): string {
  const percent = random() * 100;
  if (percent < (isIncident ? 55 : FAILED_PERCENT)) return magicCpf("failed");
  if (percent < (isIncident ? 57 : FAILED_PERCENT + REJECTED_PERCENT)) return magicCpf("rejected");
  if (percent < (isIncident ? 60 : FAILED_PERCENT + REJECTED_PERCENT + NOT_FOUND_PERCENT)) return magicCpf("not_found");
  const firstNine = String(610_000_000 + person * 7);
  return `${firstNine}${cpfCheckDigits(firstNine)}`;
}

function magicCpf(name: string): string {
  const found = MAGIC_CPFS.find((magic) => magic.name === name);
  if (found === undefined) throw new Error(`the simulator has no answer ${name}`);
  return found.cpf;
}

/** The hour of São Paulo, and its weekday (0 is Sunday). */
function hourOf(ms: number): { hour: number; weekday: number } {
  const text = formatSaoPaulo(ms);
  return { hour: Number(text.slice(11, 13)), weekday: new Date(`${text.slice(0, 10)}T12:00:00Z`).getUTCDay() };
}
