/**
 * The version of what a ledger object keeps. A version that changes it goes out at 100 % only, and cannot be rolled back.
 * 1 was a table of lookups; 2 is a journal with checkpoints.
 */
export const LEDGER_SCHEMA_VERSION = 2;
