/**
 * The version of what a ledger object keeps. A version that changes it goes out at 100 % only, and cannot be rolled back.
 * 1 was a table of lookups; 2 a journal with checkpoints, in which a key's lookups of a day were one count, then two; 3 has
 * a list of them. `test/domain/ledger/checkpoints/` has what each wrote: another shape of it is another version.
 */
export const LEDGER_SCHEMA_VERSION = 3;
