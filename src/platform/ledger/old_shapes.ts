import type { AdmitCall } from "../../domain/ledger/commands.ts";

/** What Workers of the version before send and expect; both can be dropped once no such Worker runs. */
export type OldAdmitCall = { readonly roomAsked?: number };
export type OldAdmitReply = { readonly room?: number | null };

export function fromOldCall(call: AdmitCall & OldAdmitCall): AdmitCall {
  return call.roomAsked === undefined ? call : { ...call, earlyCallsAsked: call.roomAsked };
}

export function withOldFields<Reply extends object>(reply: Reply): Reply & OldAdmitReply {
  return "earlyCalls" in reply ? { ...reply, room: reply.earlyCalls as number | null } : reply;
}
