import { html, raw } from "hono/html";
import { formatCnpj } from "../cnpj.ts";
import { maskCpf, type Cpf } from "../cpf.ts";
import { isoTime } from "../instant.ts";
import { formatSaoPaulo } from "../period.ts";
import { PORTUGUESE_WORDS } from "./portuguese_words.ts";

/** A lookup of a person as the report tells it: an entry of `POST /admin/v1/subjects/access`. */
export type ReportedLookup = {
  readonly id: string;
  readonly occurredAt: string;
  readonly tenantName: string;
  readonly tenantDocument: string;
  readonly purpose: string | null;
  readonly legalBasis: string | null;
  readonly outcome: string | null;
  readonly reference: string | null;
  readonly transactionId: string | null;
};

/** A restriction of the person's lookups as the report tells it. */
type ReportedRestriction = {
  readonly reason: string;
  readonly createdAt: string;
  readonly until: string | null;
  readonly endedAt: string | null;
};

export type AccessReport = {
  readonly cpf: Cpf;
  /** Days of São Paulo; null where nobody set a bound. */
  readonly from: string | null;
  readonly to: string | null;
  readonly lookups: readonly ReportedLookup[];
  readonly restrictions: readonly ReportedRestriction[];
  readonly issuedAtMs: number;
};

const STYLE = `
@page { size: A4 landscape; margin: 14mm; }
body { margin: 0 auto; max-width: 260mm; padding: 6mm; color: #17212b; overflow-wrap: anywhere;
  font: 9pt/1.45 "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif; }
h1 { margin: 0 0 2mm; font-size: 16pt; } h2 { margin: 6mm 0 2mm; font-size: 11pt; color: #1f3a5f; break-after: avoid; }
table { width: 100%; border-collapse: collapse; } thead { display: table-header-group; } tr { break-inside: avoid; }
th { padding: 1.5mm 2mm; border-bottom: 1px solid #1f3a5f; font-size: 8pt; text-align: left; vertical-align: bottom; }
td { padding: 1.4mm 2mm; border-bottom: 1px solid #e1e6eb; vertical-align: top; }
.date { white-space: nowrap; } .quiet { color: #5b6770; } li { margin-bottom: 1mm; }
@media print { body { max-width: none; padding: 0; } }`;

/**
 * What a person is handed who asks what is held on them: one page in Portuguese that prints to A4, without a script or
 * anything from elsewhere. The CPF is masked: whoever finds the paper learns none.
 */
export function accessReportHtml({ cpf, from, to, lookups, restrictions, issuedAtMs }: AccessReport): string {
  const span = `${from === null ? "desde o início dos registros" : `de ${day(from)}`} ${to === null ? "até a emissão" : `até ${day(to)}`}`;
  const sorted = lookups.toSorted((left, right) => left.occurredAt.localeCompare(right.occurredAt));
  const page = html`<!doctype html>
    <html lang="pt-BR">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Relatório de acesso a dados pessoais</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <h1>Relatório de acesso a dados pessoais</h1>
        <p>
          Titular: CPF ${maskCpf(cpf)} · consultas ${span} · emitido em ${time(isoTime(issuedAtMs))} (horário de São
          Paulo)
        </p>
        <p>
          Este relatório responde ao pedido de acesso do art. 18 da Lei Geral de Proteção de Dados (Lei 13.709/2018).
          Ele lista as consultas de score de crédito sobre o titular que passaram por este serviço, com quem consultou e
          para quê, como declarado por quem consultou.
        </p>
        <h2>Consultas: ${sorted.length}</h2>
        ${
          sorted.length === 0
            ? html`<p>Não há consulta sobre o titular neste período que ainda possa ser ligada a ele.</p>`
            : html`<table>
                <thead>
                  <tr>
                    <th>Data e hora</th>
                    <th>Quem consultou</th>
                    <th>Finalidade</th>
                    <th>Base legal</th>
                    <th>Resultado</th>
                    <th>Referência de quem consultou</th>
                    <th>Transação na Claro</th>
                  </tr>
                </thead>
                <tbody>
                  ${sorted.map(lookupRow)}
                </tbody>
              </table>`
        }
        <h2>Restrições a consultas</h2>
        ${
          restrictions.length === 0
            ? html`<p>Nunca houve restrição a consultas sobre o titular.</p>`
            : html`<ul>
                ${restrictions.map(restrictionItem)}
              </ul>`
        }
        <h2>O que é guardado</h2>
        <ul>
          <li>
            O score não é guardado. Quando quem consulta pede para poder repetir a resposta, ela fica cifrada por 24
            horas.
          </li>
          <li>O CPF não é guardado: cada consulta tem um código feito dele com uma chave secreta do ano.</li>
          <li>
            Essa chave é destruída alguns anos depois do fim do ano. A partir daí ninguém consegue ligar a consulta ao
            titular, e ela deixa de aparecer em relatórios como este.
          </li>
          <li>Os registros ficam na infraestrutura da Cloudflare, também fora do Brasil.</li>
        </ul>
        <h2>O que o titular pode pedir</h2>
        <ul>
          <li>A quem consultou: correção, explicação e revisão de uma decisão (arts. 18 e 20 da LGPD).</li>
          <li>A este serviço: que novas consultas sobre ele sejam recusadas.</li>
          <li>À Autoridade Nacional de Proteção de Dados (ANPD): reclamação contra qualquer um deles.</li>
        </ul>
      </body>
    </html>`;
  // It waits for nothing, so it is a text.
  return `${page as string}\n`;
}

function lookupRow(lookup: ReportedLookup) {
  return html`<tr>
    <td class="date">${time(lookup.occurredAt)}</td>
    <td>${lookup.tenantName}<br /><span class="quiet">CNPJ ${formatCnpj(lookup.tenantDocument)}</span></td>
    <td>${inPortuguese("purpose", lookup.purpose)}</td>
    <td>${inPortuguese("legalBasis", lookup.legalBasis)}</td>
    <td>${inPortuguese("outcome", lookup.outcome)}</td>
    <td>${lookup.reference ?? "–"}</td>
    <td>${lookup.transactionId ?? "–"}<br /><span class="quiet">${lookup.id}</span></td>
  </tr>`;
}

function restrictionItem({ reason, createdAt, until, endedAt }: ReportedRestriction) {
  const end =
    endedAt !== null ? `encerrada em ${time(endedAt)}` : until === null ? "em vigor" : `em vigor até ${time(until)}`;
  return html`<li>Desde ${time(createdAt)}: ${reason} (${end})</li>`;
}

function inPortuguese(field: string, value: string | null): string {
  return value === null ? "não informada" : (PORTUGUESE_WORDS[field]?.[value] ?? value);
}

/** `27/11/2026 21:20:40`, in São Paulo. */
function time(instant: string): string {
  const [date = "", clock = ""] = formatSaoPaulo(Date.parse(instant)).split("T");
  return `${day(date)} ${clock.slice(0, 8)}`;
}

function day(date: string): string {
  return date.split("-").toReversed().join("/");
}
