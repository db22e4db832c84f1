import { password } from "@clack/prompts";
import { usageError } from "../ctl_error.ts";

/**
 * What must never be an argument, which the whole machine can see: typed without an echo, or the first line of what is
 * piped in. `what` names it in the question and in the refusal.
 */
export async function readSecret(what: string): Promise<string> {
  if (process.stdin.isTTY && process.stderr.isTTY) {
    const typed = await password({ message: what, output: process.stderr });
    if (typeof typed === "string" && typed.trim() !== "") return typed.trim();
    throw usageError(`${what}: nothing was given.`);
  }
  let piped = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) piped += chunk as string;
  const first = piped.split("\n")[0]?.trim() ?? "";
  if (first === "") throw usageError(`${what}: nothing was given. Type it on a terminal, or pipe it in.`);
  return first;
}
