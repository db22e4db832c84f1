import { ensureDevVars } from "../../../src/ctl/local/dev_vars.ts";

/** All started gateways share the project's secrets; made beforehand, so that no two of them make them at once. */
export default function makeDevVars(): void {
  ensureDevVars();
}
