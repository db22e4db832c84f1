import type { Failure } from "../domain/failure.ts";
import type { AccessCall, AccessReply } from "../domain/ledger/commands.ts";
import { fail, type Result } from "../domain/result.ts";
import type { Caller } from "../platform/key_directory.ts";
import { callLedger } from "../platform/ledger/ledger_client.ts";
import type { Services } from "../platform/services.ts";
import { askAgainWithTerms } from "./project_tenant.ts";

/** Whether a key may do something that is no lookup. */
export async function authorizeKey(
  services: Services,
  caller: Caller,
  access: AccessCall,
): Promise<Result<Exclude<AccessReply, { kind: "not_ready" }>, Failure>> {
  const call = { ...access, callerNowMs: services.clock.nowMs() };
  const ask = () => callLedger(services.ledgers, caller, (ledger) => ledger.authorize(call));
  const reply = await askAgainWithTerms(services, caller.tenantId, { reply: await ask(), ask });
  if (!reply.ok) return reply;
  if (reply.value.kind === "not_ready") return fail({ code: "ledger_unavailable", retryAfterSeconds: 1 });
  return { ok: true, value: reply.value };
}
