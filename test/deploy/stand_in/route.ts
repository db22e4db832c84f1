/** A call of Cloudflare's API, without its body until that is asked for. */
export type Call = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly json: () => Promise<Record<string, unknown>>;
  readonly form: () => Promise<FormData>;
  readonly text: () => string;
};

type Answer = (call: Call, parts: readonly string[]) => unknown;

/** A path may hold `:x`, which takes one part, and `:rest`, which takes all that is left. */
export type Route = readonly [method: string, pattern: RegExp, answer: Answer];

/** Makes the pattern of a path within an account. */
export type Within = (path: string) => RegExp;
