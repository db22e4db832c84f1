import { describe, expect, test } from "vitest";
import { AnswerVault } from "../../src/platform/answer_vault.ts";
import { Sealing } from "../../src/platform/sealing.ts";

/** Sealed by the code of 2026-11-28. What is kept in ledgers and in R2 has this form: it must open for ever. */
const KEPT = {
  answer: "jYlJyI3jJwCsoUNBKbmpqdI72VshnqGCmML4XW96EQrFuBiOonE82bDpXb3wmfKsANX5jdAfNI8=",
  key: "aQBaONhuKqMNrwr+x07lTuatdxUdT5RqiEkbX8khGE8=",
};

describe("what was sealed before", () => {
  test("an answer opens for the tenant and the idempotency key that it was sealed for", async () => {
    const vault = new AnswerVault(["a-newer-secret-of-the-vault-9876543210", "old-secret-of-the-vault-0123456789"]);
    const sealed = Uint8Array.fromBase64(KEPT.answer);
    const owner = { tenantId: "ten_0123", idempotencyKey: "order-1234" };
    expect(await vault.open(owner, sealed)).toEqual({ kind: "score", score: 540 });
    await expect(vault.open({ ...owner, tenantId: "ten_0124" }, sealed)).rejects.toThrow();
    await expect(vault.open({ ...owner, idempotencyKey: "order-1235" }, sealed)).rejects.toThrow();
  });

  test("a secret opens under its name and purpose, and says whether it was the current secret's", async () => {
    const secret = "old-secret-of-the-keys-0123456789";
    const bytes = new Uint8Array([1, 2, 3, 250]);
    const rotated = new Sealing(["a-newer-secret-of-the-keys-9876543210", secret], "reference keys");
    expect(await rotated.open("2026", KEPT.key)).toEqual({ bytes, isCurrent: false });
    expect(await new Sealing([secret], "reference keys").open("2026", KEPT.key)).toEqual({ bytes, isCurrent: true });
    expect(await rotated.open("2027", KEPT.key)).toBeNull();
    expect(await new Sealing([secret], "another purpose").open("2026", KEPT.key)).toBeNull();
  });

  test("what is sealed now differs each time, and opens", async () => {
    const sealing = new Sealing(["a-secret-of-some-length-0123456789"], "reference keys");
    const [one, other] = [await sealing.seal("2026", KEY), await sealing.seal("2026", KEY)];
    expect(one).not.toBe(other);
    expect(await sealing.open("2026", one)).toEqual({ bytes: KEY, isCurrent: true });
  });
});

const KEY = new Uint8Array([9, 8, 7]);
