import { join } from "node:path";
import { PROJECT_ROOT } from "./wrangler.ts";

/** Where a running `npm start` says where it is, so that the operator's command line finds it. */
export const LOCAL_GATEWAY = join(PROJECT_ROOT, ".wrangler", "local-gateway.json");
