import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEMONSTRATIVO_POLICY } from "../../../src/domain/export/demonstrativo_html.ts";
import { DEMONSTRATIVO_STYLE, DEMONSTRATIVO_STYLE_HASHES } from "../../../src/domain/export/demonstrativo_style.ts";
import { DemonstrativoSums } from "../../../src/domain/export/demonstrativo_sums.ts";
import type { ExportContext } from "../../../src/domain/export/exported_event.ts";
import { StatementAccumulator } from "../../../src/domain/statement_totals.ts";
import { DOCUMENTS, page } from "./documents.ts";
import { startsFormula } from "./formulas.ts";
import { fileBytes } from "./readers.ts";
import { CONTEXT, exported, FIRST_SEQ, hostileMonth, PERIOD, periodNamed, TENANT, wholePeriods } from "./samples.ts";

const NAMES = Object.keys(DOCUMENTS);

/** What a reader sees of a part of the page. */
function seen(html: string): string {
  const body = html.slice(html.indexOf("<body>"));
  return body
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&")
    .replaceAll(/\s+/g, " ");
}

function cells(html: string): string[] {
  return [...html.matchAll(/<t[dh]([^>]*)>([\s\S]*?)<\/t[dh]>/g)]
    .filter(([, attributes = ""]) => !attributes.includes("amount"))
    .map(([, , content = ""]) => seen(`<body>${content}`).trim());
}

describe("demonstrativo.html", () => {
  test("names both parties, its number, the month, its days and its total", () => {
    const text = seen(page("usual"));
    for (const part of [
      "Número 2026-11-tnt_Padaria4Irmaos",
      "Emitente Consultas do Brasil Serviços de Informação S.A. CNPJ: 11.222.333/0001-81",
      "Avenida Paulista, 1000",
      "Cliente Padaria & Confeitaria Quatro Irmãos Ltda.",
      "CNPJ: 12.ABC.345/01DE-35",
      "Competência novembro de 2026",
      "Período 01/11/2026 a 30/11/2026",
      "Emissão 02/12/2026",
      "Total R$ 220,80",
      "Consultas cobradas 1.200 0,15 180,00",
      "Consultas cobradas 345 0,12 41,40",
      "Créditos (ajustes abaixo) -2 -0,60",
      "Cobrança em dobro da mesma consulta",
      "Entregues 1.545 Não encontradas 61",
      "Como conferir",
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain("Prévia");
  });

  test("says what nobody has told it", () => {
    const text = seen(page("empty"));
    expect(text).toContain("Emitente não informado CNPJ: não informado Endereço: não informado");
    expect(text).toContain("Cliente Loja do Zé CNPJ");
    expect(text).toContain("Nenhuma consulta cobrada nesta competência. Total 0,00");
  });

  test("says of an open month that it is not final", () => {
    const text = seen(page("open"));
    expect(text).toContain("Prévia, sem valor de cobrança.");
    expect(text).toContain("valores de 02/12/2026 às 00:00:00");
    expect(text).not.toContain("Como conferir");
  });

  test("carries a credit in and out, and never asks for less than nothing", () => {
    const text = seen(page("credit"));
    expect(text).toContain("Crédito transportado da competência 2026-10 -1.234,56");
    expect(text).toContain("Total 0,00 Crédito a transportar para a próxima competência -1.683,06");
  });

  test("sums up what is too much to list", () => {
    const adjustment = hostileMonth().events[1];
    const events = Array.from({ length: 503 }, () => ({ ...adjustment, amountMicros: -10_000 }) as never);
    const text = seen(fileBytes("demonstrativo.html", events).toString());
    expect(text).toContain("E mais 3 ajustes, somados acima");
    expect(text).toContain("Créditos (ajustes abaixo) -503 -5,03");
  });

  test("has the statement's lines and total, and keys that add up to each line, in any month", () => {
    const carried = fc.option(fc.integer({ min: -1_000_000, max: -1 }));
    fc.assert(
      fc.property(wholePeriods, carried, (events, centavos) => {
        const accumulator = new StatementAccumulator(PERIOD, { tenantId: TENANT, firstSeq: FIRST_SEQ });
        for (const event of events) accumulator.add(event);
        const totals = accumulator.finish();
        if (!totals.ok) throw new Error(totals.failure.name);
        const sums = new DemonstrativoSums();
        for (const event of exported(events)) sums.add(event);
        const { prices, credits, charges, counts } = sums.figures();
        const line = (kind: string, sum: object | null) =>
          sum === null ? [] : [{ kind, unitPriceMicros: null, ...sum }];
        const lines = [
          ...prices.map((price) => ({ kind: "lookups", ...price })),
          ...line("credits", credits),
          ...line("charges", charges),
        ];
        expect(lines).toMatchObject(totals.value.lines);
        for (const { keys, quantity, amountMicros } of prices) {
          expect(keys.reduce((sum, key) => sum + key.quantity, 0)).toBe(quantity);
          expect(keys.reduce((sum, key) => sum + key.amountMicros, 0)).toBe(amountMicros);
        }
        expect(counts.delivered).toBe(totals.value.counts.delivered);

        const context: ExportContext = {
          ...CONTEXT,
          carriedIn: centavos === null ? null : { from: periodNamed("2026-10"), centavos },
        };
        const due = totals.value.lines.reduce((sum, { amountCentavos }) => sum + amountCentavos, centavos ?? 0);
        const [, shown = ""] =
          /Total R\$ (\S+)/.exec(seen(fileBytes("demonstrativo.html", exported(events), { context }).toString())) ?? [];
        expect(Number(shown.replaceAll(/[.,]/g, ""))).toBe(Math.max(due, 0));
      }),
      { numRuns: 50 },
    );
  });

  test.each(NAMES)("%s: no text of others is markup, and no cell of a table starts a formula", (name) => {
    const html = page(name);
    expect(html).not.toMatch(
      /<(?:script|img|link|iframe|object|a|form|base)\b|javascript:|\son\w+\s*=\s*["']|url\(|@import/i,
    );
    expect([...html.matchAll(/<\/?(?:html|body|style|head)\b/g)]).toHaveLength(8);
    expect(cells(html).length).toBeGreaterThan(2);
    expect(cells(html).filter(startsFormula)).toEqual([]);
  });

  test("its policy is the page's own, and allows its style by its hash, and nothing else", async () => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(DEMONSTRATIVO_STYLE));
    const hash = `sha256-${Buffer.from(digest).toString("base64")}`;
    expect(DEMONSTRATIVO_STYLE_HASHES.at(-1), "a changed style needs its hash at the end of the list").toBe(hash);
    expect(DEMONSTRATIVO_POLICY).toBe(
      `default-src 'none'; style-src '${DEMONSTRATIVO_STYLE_HASHES.join("' '")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    const [, inPage] = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(page("usual")) ?? [];
    expect(`${inPage}; frame-ancestors 'none'`).toBe(DEMONSTRATIVO_POLICY);
    expect(page("usual")).toContain(`<style>${DEMONSTRATIVO_STYLE}</style>`);
  });
});
