import type { Command } from "commander";
import { contextOf, withExamples } from "../program.ts";
import { fieldsText, print } from "../terminal/output.ts";

/** `health`: whether Claro answers, how old its token is, how far D1 is behind. */
export function addHealthCommand(program: Command): void {
  withExamples(
    program
      .command("health")
      .description("Shows the state of Claro's breaker and token, and the oldest event that is not in D1 yet.")
      .action(showHealth),
    ["health", "health --json"],
  );
}

async function showHealth(_options: unknown, command: Command): Promise<void> {
  const { api, json } = contextOf(command);
  const health = await api.get<Record<string, unknown>>("/health");
  print(health, { json, human: () => fieldsText([["Gateway", api.url], ...flat(health)]) });
}

/** Nested values under names such as `claro.breaker`. */
function flat(value: Readonly<Record<string, unknown>>, prefix = ""): (readonly [name: string, value: string])[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const isNested = typeof inner === "object" && inner !== null && !Array.isArray(inner);
    if (isNested) return flat(inner as Record<string, unknown>, `${prefix}${name}.`);
    return [
      [`${prefix}${name}`, inner === null ? "-" : typeof inner === "string" ? inner : JSON.stringify(inner)] as const,
    ];
  });
}
