import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { eventsPtbrCsv } from "../../../src/domain/export/events_ptbr_csv.ts";
import { encodeAll, eventOfPtbrCells, readCsv } from "./readers.ts";
import { exported, SAMPLE_EVENTS } from "./samples.ts";

const PROGRAM = "soffice";
const BRAZILIAN_PORTUGUESE = 1046;
const UTF_8 = 76;
const READ_CSV = `CSV:${";".charCodeAt(0)},${'"'.charCodeAt(0)},${UTF_8},1,,${BRAZILIAN_PORTUGUESE},false,false`;
// Texts in quotes, numbers as they are stored and not as they are shown.
const WRITE_CSV = `csv:Text - txt - csv (StarCalc):59,34,${UTF_8},1,,${BRAZILIAN_PORTUGUESE},true,false`;

const isInstalled = spawnSync(PROGRAM, ["--version"]).status === 0;
if (!isInstalled)
  console.warn(`skipped: ${PROGRAM} (LibreOffice) is not installed, the pt-BR CSV was not opened with it`);

const folder = mkdtempSync(join(tmpdir(), "statement-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function convert(source: string, ...options: string[]): void {
  const profile = `-env:UserInstallation=file://${join(folder, "profile")}`;
  const { status, stderr } = spawnSync(PROGRAM, [profile, "--headless", ...options, "--outdir", folder, source], {
    cwd: folder,
    timeout: 100_000,
  });
  if (status !== 0) throw new Error(`${PROGRAM} failed: ${stderr}`);
}

test.skipIf(!isInstalled)(
  "a spreadsheet program opens the pt-BR CSV, computes nothing, and gives the same events back",
  { timeout: 240_000 },
  () => {
    // A spreadsheet's cell holds no tab and no carriage return, whatever file it came from.
    const events = exported(SAMPLE_EVENTS.filter(({ reference }) => !/[\t\r]/.test(reference ?? "")));
    writeFileSync(join(folder, "events.csv"), encodeAll(eventsPtbrCsv, events));
    convert("events.csv", `--infilter=${READ_CSV}`, "--convert-to", "fods");
    const sheet = readFileSync(join(folder, "events.fods"), "utf8");
    expect(sheet).toContain("José da Conceição Araújo");
    expect(sheet).not.toContain("table:formula");
    expect(sheet).not.toMatch(/value-type="(?:date|time|boolean|percentage|currency)"/);

    rmSync(join(folder, "events.csv"));
    convert("events.fods", "--convert-to", WRITE_CSV);
    const rows = readCsv(readFileSync(join(folder, "events.csv"), "utf8"), ";", { lineEnd: "\n" });
    expect(rows.slice(1).map(eventOfPtbrCells)).toEqual(events);
  },
);
