import { expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { PRODUCT } from "../../src/domain/version.ts";

test("our calls name the version of package.json", () => {
  expect(PRODUCT).toBe(`${packageJson.name}/${packageJson.version}`);
});
