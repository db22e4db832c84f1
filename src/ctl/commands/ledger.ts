import type { Command } from "commander";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { print } from "../terminal/output.ts";
import { withSpinner } from "../terminal/progress.ts";

type Step = { readonly ledgers: number; readonly events: number; readonly nextCursor: string | null };

/** `ledger rebuild`: D1's copy of the events, from the ledgers that made them. */
export function addLedgerCommands(program: Command): void {
  const ledger = addGroup(program, "ledger", "Looks after D1's copy of the ledgers.");
  withExamples(ledger, ["ledger rebuild"]);
  withExamples(
    ledger
      .command("rebuild")
      .description("Writes to D1 again what the ledgers have of the months that are not closed. It can be repeated.")
      .action(rebuild),
    ["ledger rebuild", "ledger rebuild --json"],
  );
}

async function rebuild(_options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const done = await withSpinner("Writing the ledgers' events to D1", async (report) => {
    const sum = { ledgers: 0, events: 0 };
    for (let cursor: string | null | undefined; cursor !== null;) {
      const query: string = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
      const step: Step = await api.post(`/ledger/rebuild${query}`);
      sum.ledgers += step.ledgers;
      sum.events += step.events;
      cursor = step.nextCursor;
      report(`${sum.events} events of ${sum.ledgers} ledgers`);
    }
    return sum;
  });
  print(done, { json, human: () => `${done.events} events of ${done.ledgers} ledgers are in D1.` });
}
