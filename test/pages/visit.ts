import { env } from "cloudflare:workers";
import { sendRequest } from "../support/gateway.ts";

type Call = (path: string, init: RequestInit) => Promise<Response>;

const callGateway: Call = sendRequest;

/** A person's browser without a screen: it keeps cookies, follows nothing by itself and sends forms as browsers do. */
export class Visit {
  readonly cookies = new Map<string, string>();
  readonly #headers: Record<string, string>;
  readonly #call: Call;

  /** `call` asks another gateway than the one of the tests. */
  constructor(headers: Record<string, string> = {}, call: Call = callGateway) {
    this.#headers = headers;
    this.#call = call;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return await this.#send(path, { headers });
  }

  /** Sends a form with this session's token and origin, unless `headers` or `fields` say otherwise. */
  async post(
    path: string,
    fields: Record<string, string> = {},
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const token = fields["token"] ?? (await this.token(path));
    return await this.#send(path, {
      method: "POST",
      body: new URLSearchParams({ ...fields, token }).toString(),
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        origin: "https://gateway.test",
        "sec-fetch-site": "same-origin",
        ...headers,
      },
    });
  }

  /** Sends a form with a file. */
  async send(path: string, body: FormData): Promise<Response> {
    const form = new Response(body);
    const bytes = await form.arrayBuffer();
    const headers = {
      "content-type": form.headers.get("content-type") ?? "",
      "content-length": String(bytes.byteLength),
      origin: "https://gateway.test",
      "sec-fetch-site": "same-origin",
    };
    return await this.#send(path, { method: "POST", body: bytes, headers });
  }

  /** The token of the forms that this visitor sees in a place. */
  async token(path: string): Promise<string> {
    const place = path.split("/")[1] ?? "";
    const home = await this.get(`/${place}`);
    const page = home.status === 303 ? await this.get(home.headers.get("location") ?? "") : home;
    return /name="token" value="(\w+)"/.exec(await page.text())?.[1] ?? "";
  }

  async signIn(place: "console" | "portal", credential: string): Promise<Response> {
    return await this.post(`/${place}/sign-in`, { credential });
  }

  /** Whether the place lets this visitor in. */
  async isIn(place: "console" | "portal"): Promise<boolean> {
    return (await this.get(`/${place}`)).status === 200;
  }

  /** Another browser with the same cookies. */
  copy(): Visit {
    const copy = new Visit(this.#headers, this.#call);
    for (const [name, value] of this.cookies) copy.cookies.set(name, value);
    return copy;
  }

  async #send(path: string, init: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await this.#call(path, {
      ...init,
      redirect: "manual",
      headers: { ...(cookie === "" ? {} : { cookie }), ...this.#headers, ...init.headers },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0/.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }
}

/** How many sessions are not over, by their rows. */
export async function openSessions(): Promise<number> {
  const row = await env.DB.prepare("SELECT count(*) AS n FROM page_sessions WHERE ended_at IS NULL").first<{
    n: number;
  }>();
  return row?.n ?? 0;
}
