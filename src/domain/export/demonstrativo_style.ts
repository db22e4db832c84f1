/** The look of `demonstrativo.html`, on paper and on a screen. A change gives it another hash: see below. */
export const DEMONSTRATIVO_STYLE = `
@page { size: A4; margin: 16mm 16mm 18mm;
  @bottom-left { content: "Demonstrativo de consultas"; font: 8pt Arial, sans-serif; color: #5b6770; }
  @bottom-right { content: "Página " counter(page) " de " counter(pages); font: 8pt Arial, sans-serif; color: #5b6770; } }
* { box-sizing: border-box; }
html { color-scheme: light; }
body { margin: 0 auto; max-width: 178mm; padding: 10mm 4mm; background: #fff; color: #17212b;
  font: 9pt/1.4 "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 16pt; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 5.5mm 0 1.5mm; font-size: 10.5pt; color: #1f3a5f; break-after: avoid; }
p { margin: 0 0 1.5mm; }
.top { display: flex; justify-content: space-between; gap: 8mm; padding-bottom: 4mm; border-bottom: 2px solid #1f3a5f; }
.top > div { flex: 0 1 auto; min-width: 0; }
.top .number { max-width: 55%; }
.number { text-align: right; font-size: 9pt; color: #43505b; }
.number strong { display: block; font-size: 10pt; color: #17212b; }
.draft { margin: 4mm 0 0; padding: 2.5mm 3.5mm; border: 1px solid #b7791f; border-left-width: 4px; background: #fff8e6; }
.parties { display: grid; grid-template-columns: 1fr 1fr; gap: 8mm; margin-top: 5mm; }
.parties > div { min-width: 0; }
.label { margin: 0 0 .5mm; font-size: 7.5pt; letter-spacing: .06em; text-transform: uppercase; color: #5b6770; }
.name { margin: 0 0 .5mm; font-size: 10.5pt; font-weight: bold; }
.facts { display: flex; flex-wrap: wrap; break-inside: avoid; margin: 5mm 0 0; background: #f1f4f7; border-radius: 2mm; }
.facts div { flex: 1 1 auto; padding: 3mm 4mm; }
.facts dt { font-size: 7.5pt; letter-spacing: .06em; text-transform: uppercase; color: #5b6770; }
.facts dd { margin: 0; font-size: 10.5pt; font-weight: bold; white-space: nowrap; }
.facts .due { text-align: right; background: #1f3a5f; border-radius: 0 2mm 2mm 0; }
.facts .due dt { color: #d5dfeb; } .facts .due dd { color: #fff; font-size: 13pt; }
table { width: 100%; border-collapse: collapse; }
th { padding: 1.5mm 2mm; border-bottom: 1px solid #1f3a5f; font-size: 8pt; text-align: left; vertical-align: bottom; color: #43505b; }
td { padding: 1.4mm 2mm; border-bottom: 1px solid #e1e6eb; vertical-align: top; }
tr { break-inside: avoid; }
.amount { text-align: right; white-space: nowrap; overflow-wrap: normal; font-variant-numeric: tabular-nums; }
.date { white-space: nowrap; }
.line td { font-weight: bold; }
.detail td { padding-top: .8mm; padding-bottom: .8mm; font-size: 8.5pt; color: #43505b; }
.detail td:first-child { padding-left: 6mm; }
.total td { padding-top: 2.5mm; border: 0; border-top: 2px solid #1f3a5f; font-size: 11pt; font-weight: bold; }
.carried td { border: 0; }
.quiet, .key { color: #5b6770; font-weight: normal; }
.key { font-size: 8pt; }
.counts { display: flex; flex-wrap: wrap; gap: 0 8mm; margin: 0; }
.counts div { display: flex; gap: 2mm; } .counts dt { color: #43505b; } .counts dd { margin: 0; font-weight: bold; }
.verify, .note { break-inside: avoid; font-size: 8pt; color: #43505b; }
.verify ol { margin: 0; padding-left: 5mm; } .verify li { margin-bottom: .8mm; }
code { font: 8pt "DejaVu Sans Mono", Consolas, monospace; }
.note { margin-top: 4mm; padding-top: 2.5mm; border-top: 1px solid #e1e6eb; }
@media print { body { max-width: none; padding: 0; } }
@media (max-width: 40em) { .top, .parties, .facts { display: block; } .number, .facts .due { text-align: left; }
  .parties > div + div { margin-top: 4mm; } .facts .due { border-radius: 0 0 2mm 2mm; } }
`;

/**
 * Of every style that was ever released, the newest last: months that were closed keep their files, and a browser shows
 * them with the policy of today.
 */
export const DEMONSTRATIVO_STYLE_HASHES: readonly string[] = ["sha256-2/iwUhj7F1yelPxV3QACTD/mcRAfEyooFpWDbEMT87w="];
