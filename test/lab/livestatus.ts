/**
 * A plain Livestatus client for tests: sends exactly the bytes it is given and hands back exactly the bytes
 * that came, so that what a tunnel does to them can be seen.
 */
import { connect, type Socket } from "node:net";

export type Target = { unix: string } | { host: string; port: number };

export interface AskOptions {
  /** Close the sending direction right behind the request, as `unixcat` and many scripts do. */
  halfClose?: boolean;
  /** Milliseconds until all bytes must have come. Default 10 000. */
  timeoutMs?: number;
  /** Read like a client on a thin line: pause for so long whenever so many bytes have been taken. */
  slow?: { bytes: number; pauseMs: number };
}

/** One answer under `ResponseHeader: fixed16`. */
export interface Response {
  code: number;
  body: Buffer;
}

const FIXED16 = 16;

/**
 * Sends `request` as it stands (the empty line that ends a query included by the caller) and gives all bytes
 * up to the server's end of stream. Rejects when the connection fails or time is up.
 */
export async function ask(
  target: Target,
  request: string | Uint8Array,
  options: AskOptions = {},
): Promise<Buffer> {
  const connection = new LivestatusConnection(target, options);
  try {
    connection.send(request);
    if (options.halfClose) connection.finish();
    return await connection.rest();
  } finally {
    connection.close();
  }
}

/**
 * Sends a query (header lines without the closing empty line) and gives its rows as parsed JSON.
 * @throws on any other code than 200, with the body's first line
 */
export async function rows(target: Target, query: string, options: AskOptions = {}): Promise<unknown[][]> {
  const connection = new LivestatusConnection(target, options);
  try {
    connection.send(`${query.trimEnd()}\nOutputFormat: json\nResponseHeader: fixed16\n\n`);
    const { code, body } = await connection.response();
    const text = body.toString();
    if (code !== 200) throw new Error(`Livestatus answered ${code}: ${text.split("\n", 1)[0]}`);
    return JSON.parse(text) as unknown[][];
  } finally {
    connection.close();
  }
}

/** A connection that can be kept for several requests. One reader at a time. */
export class LivestatusConnection {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  #chunks: Buffer[] = [];
  #length = 0;
  #taken = false;
  #ended = false;
  #failure: Error | undefined;
  #wake: () => void = () => {};

  constructor(target: Target, options: Pick<AskOptions, "timeoutMs" | "slow"> = {}) {
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#socket = connect({
      ...("unix" in target ? { path: target.unix } : target),
      allowHalfOpen: true,
    });
    this.#socket.once("connect", () => {
      this.#taken = true;
    });
    let sincePause = 0;
    this.#socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      sincePause += chunk.length;
      if (options.slow !== undefined && sincePause >= options.slow.bytes) {
        sincePause = 0;
        this.#socket.pause();
        setTimeout(() => this.#socket.resume(), options.slow.pauseMs);
      }
      this.#wake();
    });
    this.#socket.on("end", () => this.#over());
    this.#socket.on("close", () => this.#over());
    this.#socket.on("error", (error) => {
      this.#failure = error;
      this.#wake();
    });
  }

  /** Whether the other side has taken it. */
  get connected(): boolean {
    return this.#taken;
  }

  /** Bytes that have come, and were not given yet. */
  get received(): number {
    return this.#length;
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Half-close: no more requests, answers still come. */
  finish(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** The next `fixed16` answer, to the byte; what follows it stays for the next call. */
  async response(): Promise<Response> {
    const header = (await this.#take(FIXED16)).toString("latin1");
    const [, code, length] = /^(\d{3}) +(\d+)\n$/.exec(header) ?? [];
    if (length === undefined) throw new Error(`not a fixed16 header: ${JSON.stringify(header)}`);
    return { code: Number(code), body: await this.#take(Number(length)) };
  }

  /** All bytes up to the end of the stream. */
  async rest(): Promise<Buffer> {
    await this.#until(() => this.#ended, "the end of the stream");
    return this.#cut(this.#length);
  }

  async #take(bytes: number): Promise<Buffer> {
    await this.#until(() => this.#length >= bytes || this.#ended, `${bytes} bytes`);
    if (this.#length < bytes) {
      throw new Error(`the stream ended after ${this.#length} of ${bytes} bytes`);
    }
    return this.#cut(bytes);
  }

  #cut(bytes: number): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(bytes)];
    this.#length = all.length - bytes;
    return all.subarray(0, bytes);
  }

  #over(): void {
    this.#ended = true;
    this.#wake();
  }

  async #until(met: () => boolean, what: string): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, this.#timeoutMs);
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure;
        if (met()) return;
        if (late) throw new Error(`no ${what} in ${this.#timeoutMs} ms; ${this.#length} bytes came`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
