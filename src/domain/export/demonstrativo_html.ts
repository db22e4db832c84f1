import { html, raw } from "hono/html";
import { formatCnpj } from "../cnpj.ts";
import type { ExportedEvent } from "../event_row.ts";
import { addExact, formatCentavos, formatMicros } from "../money.ts";
import { formatSaoPaulo, type Period, periodBounds } from "../period.ts";
import { DEMONSTRATIVO_STYLE, DEMONSTRATIVO_STYLE_HASHES } from "./demonstrativo_style.ts";
import { type DemonstrativoFigures, DemonstrativoSums, type KeyLine, type PriceLine } from "./demonstrativo_sums.ts";
import type { ExportContext, Party } from "./exported_event.ts";
import type { FileEncoder } from "./file_encoder.ts";
import { guardedText } from "./guarded_text.ts";
import { formatLocalTime } from "./portuguese_columns.ts";

type Html = ReturnType<typeof html>;

const STYLES = DEMONSTRATIVO_STYLE_HASHES.map((hash) => `'${hash}'`).join(" ");
/** Without a blank beside the text, which would be part of what is hashed. */
const STYLE_ELEMENT = raw(`<style>${DEMONSTRATIVO_STYLE}</style>`);
const NOT_STATED = "não informado";

/** What the page may do: show itself in its own style, and nothing else. */
export const DEMONSTRATIVO_POLICY = `default-src 'none'; style-src ${STYLES}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/**
 * What a month comes to, as one page that prints to A4: both parties, lines by price and key, adjustments with reasons, the
 * total, how to verify it. It has no script and asks for nothing from elsewhere. Its figures are known at the end.
 */
export function demonstrativoHtml(context: ExportContext): FileEncoder {
  const sums = new DemonstrativoSums();
  return {
    header: () => "",
    rows({ events }) {
      for (const event of events) sums.add(event);
      return "";
    },
    // It waits for nothing, so it is a text.
    footer: () => `${page(context, sums.figures()) as string}\n`,
  };
}

function page(context: ExportContext, figures: DemonstrativoFigures): Html {
  const { period, tenantId, tenant, issuer } = context;
  const number = guardedText(`${period}-${tenantId}`);
  const sumCentavos = sumOf(context, figures);
  const { startMs, endMs } = periodBounds(period);
  return html`<!doctype html>
    <html lang="pt-BR">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src ${raw(STYLES)}; base-uri 'none'; form-action 'none'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Demonstrativo ${number}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <header class="top">
          <div>
            <h1>Demonstrativo de consultas</h1>
            <p class="quiet">Consultas de score à Claro</p>
          </div>
          <div class="number">Número<strong>${number}</strong></div>
        </header>
        ${context.status === "open" ? draftNotice(context) : ""}
        <section class="parties">${partyBlock("Emitente", issuer)} ${partyBlock("Cliente", tenant)}</section>
        <dl class="facts">
          <div>
            <dt>Competência</dt>
            <dd>${monthName(period)}</dd>
          </div>
          <div>
            <dt>Período</dt>
            <dd>${dateOf(startMs)} a ${dateOf(endMs - 1)}</dd>
          </div>
          <div>
            <dt>Emissão</dt>
            <dd>${dateOf(context.issuedAtMs)}</dd>
          </div>
          <div class="due">
            <dt>Total</dt>
            <dd>R$ ${reais(formatCentavos(Math.max(sumCentavos, 0)))}</dd>
          </div>
        </dl>
        ${linesTable(context, figures, sumCentavos)}
        ${figures.adjustments.length === 0 ? "" : adjustmentsTable(figures)}
        <h2>Consultas da competência</h2>
        <dl class="counts">
          ${Object.entries(figures.counts).map(
            ([outcome, count]) =>
              html`<div>
                <dt>${COUNT_NAMES[outcome]}</dt>
                <dd>${whole(count)}</dd>
              </div> `,
          )}
        </dl>
        ${context.status === "open" ? "" : howToVerify(period)}
        <p class="note">
          Datas e horários de São Paulo. Valores em reais; cada linha é arredondada uma única vez, para o centavo.
          Somente consultas entregues são cobradas, conforme o plano contratado. Este demonstrativo não é documento
          fiscal.
        </p>
      </body>
    </html>`;
}

const COUNT_NAMES: Readonly<Record<string, string>> = {
  delivered: "Entregues",
  not_found: "Não encontradas",
  rejected: "Rejeitadas",
  failed: "Com falha",
  unknown: "Sem confirmação",
};

function draftNotice({ issuedAtMs, mode }: ExportContext): Html {
  if (mode === "test") {
    return html`<p class="draft">
      <strong>Modo de teste, sem valor de cobrança.</strong> São as últimas consultas feitas com chaves de teste, que o
      simulador respondeu: servem para ensaiar a integração e nunca são cobradas.
    </p>`;
  }
  const [date, time] = formatLocalTime(formatSaoPaulo(issuedAtMs).slice(0, 19)).split(" ");
  return html`<p class="draft">
    <strong>Prévia, sem valor de cobrança.</strong> A competência ainda está aberta: estes são os valores de ${date} às
    ${time}, e eles mudam a cada consulta. O demonstrativo definitivo é assinado no fechamento.
  </p>`;
}

function partyBlock(role: string, { legalName, name, document, address }: Party): Html {
  const registered = legalName ?? name;
  return html`<div>
    <p class="label">${role}</p>
    <p class="name">${shown(registered)}</p>
    ${name !== null && name !== registered ? html`<p>Nome: ${shown(name)}</p> ` : ""}
    <p>CNPJ: ${document === null ? NOT_STATED : shown(formatCnpj(document))}</p>
    ${role === "Emitente" || address !== null ? html`<p>Endereço: ${shown(address)}</p>` : ""}
  </div>`;
}

function linesTable({ carriedIn }: ExportContext, figures: DemonstrativoFigures, sumCentavos: number): Html {
  const { prices, credits, charges } = figures;
  const isEmpty = prices.length === 0 && credits === null && charges === null && carriedIn === null;
  return html`<h2>Valores</h2>
    <table>
      <thead>
        <tr>
          <th>Descrição</th>
          <th class="amount">Quantidade</th>
          <th class="amount">Preço unitário (R$)</th>
          <th class="amount">Valor (R$)</th>
        </tr>
      </thead>
      <tbody>
        ${
          isEmpty
            ? html`<tr>
                <td colspan="4" class="quiet">Nenhuma consulta cobrada nesta competência.</td>
              </tr> `
            : ""
        }${prices.map(priceRows)}${charges === null ? "" : sumRow("Acréscimos (ajustes abaixo)", charges)}${credits === null ? "" : sumRow("Créditos (ajustes abaixo)", credits)}${
          carriedIn === null
            ? ""
            : sumRow(`Crédito transportado da competência ${carriedIn.from}`, {
                quantity: null,
                amountCentavos: carriedIn.centavos,
              })
        }
      </tbody>
      <tbody>
        <tr class="total">
          <td colspan="3">Total</td>
          <td class="amount">${reais(formatCentavos(Math.max(sumCentavos, 0)))}</td>
        </tr>
        ${
          sumCentavos < 0
            ? html`<tr class="carried">
                <td colspan="3">Crédito a transportar para a próxima competência</td>
                <td class="amount">${reais(formatCentavos(sumCentavos))}</td>
              </tr> `
            : ""
        }
      </tbody>
    </table>`;
}

function priceRows({ unitPriceMicros, quantity, amountCentavos, keys }: PriceLine): Html {
  return html`<tr class="line">
      <td>Consultas cobradas</td>
      <td class="amount">${whole(quantity)}</td>
      <td class="amount">${reais(formatMicros(unitPriceMicros))}</td>
      <td class="amount">${reais(formatCentavos(amountCentavos))}</td>
    </tr>
    ${keys.map(keyRow)}`;
}

function keyRow({ keyId, keyLabel, quantity, amountMicros }: KeyLine): Html {
  const name = keyId === null ? "Outras chaves" : (keyLabel ?? "Chave sem nome");
  return html`<tr class="detail">
    <td>${shown(name)} <span class="key">${keyId === null ? "" : shown(keyId)}</span></td>
    <td class="amount">${whole(quantity)}</td>
    <td></td>
    <td class="amount">${reais(formatMicros(amountMicros))}</td>
  </tr> `;
}

function sumRow(
  title: string,
  { quantity, amountCentavos }: { readonly quantity: number | null; readonly amountCentavos: number },
): Html {
  return html`<tr class="line">
    <td>${title}</td>
    <td class="amount">${quantity === null ? "" : whole(quantity)}</td>
    <td></td>
    <td class="amount">${reais(formatCentavos(amountCentavos))}</td>
  </tr> `;
}

function adjustmentsTable({ adjustments, unlistedAdjustments }: DemonstrativoFigures): Html {
  return html`<h2>Ajustes</h2>
    <table>
      <thead>
        <tr>
          <th>Data</th>
          <th>Motivo</th>
          <th>Corrige</th>
          <th class="amount">Unidades</th>
          <th class="amount">Valor (R$)</th>
        </tr>
      </thead>
      <tbody>
        ${adjustments.map(adjustmentRow)}${
          unlistedAdjustments === 0
            ? ""
            : html`<tr>
                <td colspan="5" class="quiet">
                  E mais ${whole(unlistedAdjustments)} ajustes, somados acima e listados em eventos.xlsx.
                </td>
              </tr> `
        }
      </tbody>
    </table>`;
}

function adjustmentRow({ id, occurredAtSaoPaulo, reference, corrects, units, amountMicros }: ExportedEvent): Html {
  return html`<tr>
    <td class="date">${formatLocalTime(occurredAtSaoPaulo.slice(0, 19)).slice(0, 10)}</td>
    <td>${shown(reference)}<br /><span class="key">${shown(id)}</span></td>
    <td>${corrects === null ? "" : shown(corrects)}</td>
    <td class="amount">${whole(units)}</td>
    <td class="amount">${reais(formatMicros(amountMicros))}</td>
  </tr> `;
}

function howToVerify(period: Period): Html {
  return html`<section class="verify">
    <h2>Como conferir</h2>
    <ol>
      <li>
        Cada consulta e cada ajuste estão em <code>eventos.xlsx</code>, do mesmo pacote; a coluna “Valor (R$)” soma os
        valores exatos.
      </li>
      <li>
        O <code>manifest.json</code> do pacote (<code>/v1/statements/${period}/manifest.json</code>) traz o SHA-256
        deste arquivo e uma assinatura Ed25519.
      </li>
      <li>
        O programa que confere tudo, um só arquivo para Node.js, e as chaves públicas estão em
        <code>/.well-known/claro-score-gateway/</code>: <code>verify_statement.mjs</code> e
        <code>export-keys.json</code>.
      </li>
    </ol>
  </section>`;
}

/** What the month comes to: the statement's lines, each rounded, and what was carried into it. */
function sumOf({ carriedIn }: ExportContext, { prices, credits, charges }: DemonstrativoFigures): number {
  const lines = [...prices, ...(credits === null ? [] : [credits]), ...(charges === null ? [] : [charges])];
  return lines.reduce((sum, { amountCentavos }) => addExact(sum, amountCentavos), carriedIn?.centavos ?? 0);
}

/**
 * Text of others. A table may be pasted into a spreadsheet, so it is guarded as in the other files; signs that turn the
 * direction of writing end with it.
 */
function shown(text: string | null): Html {
  return text === null || text === "" ? html`${NOT_STATED}` : html`<bdi>${guardedText(text)}</bdi>`;
}

const MONTHS = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split(" ");

function monthName(period: Period): string {
  return `${MONTHS[Number(period.slice(5)) - 1]} de ${period.slice(0, 4)}`;
}

function dateOf(ms: number): string {
  return formatLocalTime(formatSaoPaulo(ms).slice(0, 19)).slice(0, 10);
}

/** `-1234.5600` as `-1.234,56`: at least the centavos. */
function reais(decimal: string): string {
  const [integer = "", places = ""] = decimal.split(".");
  return `${grouped(integer)},${places.replace(/(?<=..)0+$/, "")}`;
}

function whole(value: number): string {
  return grouped(String(value));
}

function grouped(digits: string): string {
  return digits.replaceAll(/\B(?=(?:\d{3})+$)/g, ".");
}
