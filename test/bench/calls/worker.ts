import { DurableObject } from "cloudflare:workers";

type Bindings = { ROWS: DurableObjectNamespace<Rows>; CLARO_BASE_URL: string };

/** An object with a row that is written, and written again. */
export class Rows extends DurableObject<Bindings> {
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS rows (n INTEGER PRIMARY KEY, text TEXT NOT NULL)");
  }

  begin(text: string): number {
    return this.#sql.exec<{ n: number }>("INSERT INTO rows (text) VALUES (?) RETURNING n", text).one().n;
  }

  end(n: number, text: string): void {
    this.#sql.exec("UPDATE rows SET text = ? WHERE n = ?", text, n);
  }
}

/**
 * The calls of a lookup with nothing around them: a durable row beside Claro, and one after it. It knows no caller, checks
 * nothing and decides nothing: a gateway that makes each of these calls by itself cannot be faster.
 */
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const rows = env.ROWS.getByName("one");
    const body = await request.text();
    const [n, answer] = await Promise.all([
      rows.begin(body),
      askClaro(`${env.CLARO_BASE_URL}${pathname}`, request, body),
    ]);
    await rows.end(n, answer);
    return new Response(answer, { headers: { "content-type": "application/json" } });
  },
} satisfies ExportedHandler<Bindings>;

async function askClaro(url: string, { method, headers }: Request, body: string): Promise<string> {
  const response = await fetch(url, { method, headers, body });
  return await response.text();
}
