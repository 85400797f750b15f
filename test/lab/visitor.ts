/** Somebody who sends requests to the web interface, sound or not, over real sockets; keeps all that is answered. */

export interface Answer {
  /** Method and path. */
  asked: string;
  status: number;
  headers: Headers;
  body: string;
}

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array | FormData | URLSearchParams;
}

/** ms for an answer; a stream of events is read for as long. */
const PATIENCE = 30_000;

export class Visitor {
  readonly answers: Answer[] = [];
  cookie = "";
  csrf = "";

  constructor(
    readonly origin: string,
    private readonly certificate: string,
  ) {}

  /** @returns itself */
  async login(name: string, password: string): Promise<this> {
    const { status, headers } = await this.post("/login", { name, password });
    if (status !== 303) throw new Error(`${name} cannot log in: ${status}`);
    this.cookie = (headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    const { body } = await this.ask("/account");
    this.csrf = /name="csrf" value="([^"]+)"/.exec(body)?.[1] ?? "";
    return this;
  }

  fetch(
    path: string,
    { method = "GET", headers, body }: Asked = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    return fetch(`${this.origin}${path}`, {
      method,
      redirect: "manual",
      headers: {
        origin: this.origin,
        ...(this.cookie !== "" && { cookie: this.cookie }),
        ...(this.csrf !== "" && { "x-csrf": this.csrf }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      signal: signal ?? AbortSignal.timeout(PATIENCE),
      tls: { ca: this.certificate },
    } as BunFetchRequestInit);
  }

  async ask(path: string, asked: Asked = {}): Promise<Answer> {
    const response = await this.fetch(path, asked);
    const endless = response.headers.get("content-type")?.startsWith("text/event-stream");
    if (endless) await response.body?.cancel();
    const answer = {
      asked: `${asked.method ?? "GET"} ${path.slice(0, 100)}`,
      status: response.status,
      headers: response.headers,
      body: endless ? "" : await response.text(),
    };
    this.answers.push(answer);
    return answer;
  }

  post(path: string, form: Record<string, string> = {}): Promise<Answer> {
    return this.ask(path, { method: "POST", body: new URLSearchParams(form) });
  }

  /** A stream of events: all that has come of it, until it is ended. */
  events(query: string): { text: () => string; end: () => void; over: Promise<void> } {
    const ending = new AbortController();
    let text = "";
    const read = async () => {
      const { body } = await this.fetch(`/events${query}`, {}, ending.signal);
      for await (const chunk of body ?? []) text += Buffer.from(chunk).toString();
    };
    return { text: () => text, end: () => ending.abort(), over: read().catch(() => {}) };
  }
}
