import { expect, test } from "vitest";
import { isSignedBy, sign } from "../../src/domain/ed25519.ts";

/** The key pair of RFC 8037, appendix A. */
const KEY = {
  kty: "OKP",
  crv: "Ed25519",
  kid: "export-test",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
} as const;
const BYTES = new TextEncoder().encode("padaria");

test("what was signed is verified by the public half, and nothing else is", async () => {
  const signature = await sign(KEY, BYTES);
  expect(await isSignedBy(KEY, BYTES, signature)).toBe(true);
  for (const wrong of ["", "!", `${signature}A`, signature.slice(1), `B${signature.slice(1)}`]) {
    expect(await isSignedBy(KEY, BYTES, wrong)).toBe(false);
  }
  expect(await isSignedBy(KEY, new TextEncoder().encode("padariA"), signature)).toBe(false);
});

test("a key whose halves do not belong together signs nothing", async () => {
  const other = { ...KEY, x: "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik" };
  await expect(sign(other, BYTES)).rejects.toThrow(/x is not the public half of d/);
});
