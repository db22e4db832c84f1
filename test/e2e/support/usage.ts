import { expect } from "vitest";

type Usage = { totals: { requests: number; delivered: number; billed: number }; asOf: string };

/** What a gateway has counted for its demo tenant. */
export async function usageOf(gateway: { url: string; demoKey: string }): Promise<Usage> {
  const response = await fetch(`${gateway.url}/v1/usage`, { headers: { "x-api-key": gateway.demoKey } });
  expect(response.status).toBe(200);
  return response.json<Usage>();
}
