/** What stands before the exit code of each use in a series of them. */
export const END_OF_USE = "=== exit code ";
