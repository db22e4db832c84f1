import gateway from "../../../src/main.ts";

/**
 * The gateway as it is deployed, some of whose requests are let go before their answer: what the platform does to a request
 * whose client has hung up. The local runtime does not, but it lets go of what was answered, but for what `waitUntil` holds.
 */
export * from "../../../src/main.ts";

const LEAVE_AFTER_MS = "x-leave-after-ms";

export default {
  async fetch(request, env, context) {
    const leaveAfterMs = request.headers.get(LEAVE_AFTER_MS);
    const answering = gateway.fetch(request, env, context);
    if (leaveAfterMs === null) return await answering;
    const left = scheduler.wait(Number(leaveAfterMs)).then(() => new Response(null, { status: 204 }));
    return await Promise.race([answering, left]);
  },
} satisfies ExportedHandler<Env>;
