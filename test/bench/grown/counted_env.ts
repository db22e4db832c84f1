let calls = 0;

/** The calls to other services since the last time that this was asked: an invocation may make a thousand of them. */
export function takeCalls(): number {
  const taken = calls;
  calls = 0;
  return taken;
}

const countedEnvs = new WeakMap<Env, Env>();

/**
 * The Worker's bindings, each call to them counted, and after each a moment of rest. On one machine everything runs in one
 * thread that else would not look up between the calls, and nobody could ask it for its memory.
 */
export function countedEnv(env: Env): Env {
  let counted = countedEnvs.get(env);
  if (counted === undefined) {
    const { DB, KEYS, STATEMENTS, TENANT_LEDGER } = env;
    const ledgers = { getByName: (name: string) => countedAll(TENANT_LEDGER.getByName(name)) };
    const bindings = { DB: countedNamed(DB), KEYS: countedNamed(KEYS), STATEMENTS: countedNamed(STATEMENTS) };
    counted = { ...env, ...bindings, TENANT_LEDGER: ledgers as unknown as Env["TENANT_LEDGER"] };
    countedEnvs.set(env, counted);
  }
  return counted;
}

/** What goes out to D1, KV and R2. */
const OUTGOING = new Set<string | symbol>(
  "all batch exec first raw run abort complete createMultipartUpload delete get head list put uploadPart".split(" "),
);
const STATEMENTS = new Set<string | symbol>(["bind", "prepare"]);
const REST_MS = 1;

function countedNamed<Binding extends object>(binding: Binding): Binding {
  return counting(binding, (name, result) => {
    if (STATEMENTS.has(name)) return countedNamed(result as object);
    if (!OUTGOING.has(name)) return result;
    const answer = countedCall(result);
    return name === "createMultipartUpload" ? answer.then((upload) => countedNamed(upload as object)) : answer;
  });
}

function countedAll<Stub extends object>(stub: Stub): Stub {
  return counting(stub, (_, result) => countedCall(result));
}

async function countedCall(answer: unknown): Promise<unknown> {
  calls += 1;
  const value = await answer;
  await scheduler.wait(REST_MS);
  return value;
}

function counting<Target extends object>(
  target: Target,
  onCall: (name: string | symbol, result: unknown) => unknown,
): Target {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...values: unknown[]) => onCall(name, Reflect.apply(member, target, values));
    },
  });
}
