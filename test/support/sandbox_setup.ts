import { createSandboxServer } from "../../src/ctl/sandbox/server.ts";

/** Claro for the tests in workerd: the stand-alone sandbox, on the port that the Worker was configured with. */
export default async function startSandbox(): Promise<() => Promise<void>> {
  const server = createSandboxServer({ latencyMs: 0, seed: 1, keepsJournal: true });
  await new Promise<void>((done) => server.listen(Number(process.env["TEST_SANDBOX_PORT"]), "127.0.0.1", done));
  return async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
}
