/**
 * An object's methods as a caller in another isolate has them. The platform's own type spreads a union of replies into a
 * union of promises, which no longer narrows.
 */
export type Remote<Type, Names extends keyof Type> = {
  readonly [Name in Names]: Type[Name] extends (...call: infer Call) => infer Reply
    ? (...call: Call) => Promise<Awaited<Reply>>
    : never;
};
