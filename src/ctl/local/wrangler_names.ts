/** The environment of wrangler's processes: which process they work for. */
export const OWNER_PID = "CLARO_SCORE_GATEWAY_OWNER_PID";
/** `open` when the inspector was asked for. */
export const INSPECTOR = "CLARO_SCORE_GATEWAY_INSPECTOR";
