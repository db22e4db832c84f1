import type { Command } from "commander";
import { addGroup, contextOf, withExamples } from "../program.ts";
import { print, tableText } from "../terminal/output.ts";
import { shownTime } from "./shown_values.ts";

type Key = {
  readonly name: string;
  readonly madeAt: string;
  readonly endsAt: string | null;
  readonly destroyedAt: string | null;
  readonly sealedUnder: "current" | "previous" | "unknown" | null;
};

const SEALED = {
  current: "CPF_HMAC_SECRET",
  previous: "CPF_HMAC_SECRET_PREVIOUS: keep that until the cron has sealed it again",
  unknown: "no secret that is set: lookups of that year fail",
} as const;

/** `privacy`: until when what is kept refers to a person. */
export function addPrivacyCommands(program: Command): void {
  const privacy = addGroup(program, "privacy", "What is kept on persons, and until when.");
  withExamples(privacy, ["privacy status"]);
  withExamples(
    privacy.command("status").description("Shows when each year's references to persons end.").action(showStatus),
    ["privacy status", "privacy status --json"],
  );
}

async function showStatus(_options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const status = await api.get<{ years: number; data: readonly Key[] }>("/privacy/references");
  const human = () => {
    const rows = tableText(
      status.data,
      [
        { title: "EVENTS OF", cell: ({ name }) => (name === "v1" ? "v1 (before)" : name) },
        {
          title: "LINKED UNTIL",
          cell: ({ endsAt, destroyedAt }) => (destroyedAt === null ? shownTime(endsAt) : "ended"),
        },
        { title: "KEY DESTROYED", cell: ({ destroyedAt }) => shownTime(destroyedAt) },
        {
          title: "KEY SEALED UNDER",
          cell: ({ sealedUnder }) => (sealedUnder === null ? "-" : SEALED[sealedUnder]),
          elastic: true,
        },
      ],
      "No lookup has been made yet: there are no references to persons.",
    );
    const rule = `References end ${status.years} ${status.years === 1 ? "year" : "years"} after their year (CPF_REFERENCE_YEARS); the key is destroyed then.`;
    const hasFirst = status.data.some(({ name, destroyedAt }) => name === "v1" && destroyedAt === null);
    const first =
      "\nReferences v1 were made under CPF_HMAC_SECRET itself: rotate that before they end, or they can be made again.";
    return `${rows}\n\n${rule}${hasFirst ? first : ""}`;
  };
  print(status, { json, human });
}
