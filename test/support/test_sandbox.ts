import type { AddressInfo } from "node:net";
import { createSandboxServer } from "../../src/ctl/sandbox/server.ts";

/** Starts Claro for one test file: a stand-alone sandbox in this process, which it does not keep from ending. */
export async function startTestSandbox(): Promise<string> {
  const server = createSandboxServer({ latencyMs: 0, seed: 1, keepsJournal: true });
  server.on("connection", (socket) => socket.unref());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
