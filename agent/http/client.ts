/** Plain HTTP/1.1 requests to one server, over connections that are kept and opened again when they fail. */
import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "../../common/clock.ts";
import { VERSION } from "../../common/version.ts";

export interface HttpClientOptions {
  /** Opens a connection over which HTTP can be spoken, TLS included. */
  open: () => Promise<Duplex>;
  /** The server's name as it knows itself, with a port that is not the usual one. */
  host: string;
  clock: Clock;
  /** Connections that are kept while no request uses them. */
  idle: number;
  /** Largest body of an answer, in bytes. */
  mostBytes: number;
}

export interface HttpRequest {
  path: string;
  headers: Record<string, string>;
  body: Buffer;
  /** ms until the answer must be there whole. */
  timeout: number;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Bytes of an answer's headers: nothing on the way adds more. */
const MOST_HEADER_BYTES = 16 << 10;

const TIMEOUT = "ETIMEDOUT";

/** Whether a request was given up because its time was over. */
export function isTimeout(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === TIMEOUT;
}

export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #connections: Connections;
  readonly #running = new Set<ClientRequest>();
  #closed = false;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#connections = new Connections(options.open, options.idle);
  }

  /** Sends a POST request. Rejects with what `open` failed with, or any error of the connection. */
  post({ path, headers, body, timeout }: HttpRequest): Promise<HttpAnswer> {
    if (this.#closed) return Promise.reject(closedError());
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const sent = request({
      agent: this.#connections,
      method: "POST",
      path,
      maxHeaderSize: MOST_HEADER_BYTES,
      headers: {
        host: this.#options.host,
        "user-agent": `Farsite/${VERSION}`,
        "content-length": body.length,
        "cache-control": "no-store",
        // what is encrypted does not compress, and what is packed on the way would have to be unpacked
        "accept-encoding": "identity",
        ...headers,
      },
    });
    this.#running.add(sent);
    const timer = this.#options.clock.after(timeout, () => {
      sent.destroy(Object.assign(new Error(`no answer within ${timeout / 1000} s`), { code: TIMEOUT }));
    });
    sent.once("response", (answer) => {
      read(answer, this.#options.mostBytes).then(resolve, (error: unknown) => {
        reject(error);
        sent.destroy();
      });
    });
    sent.once("upgrade", (_answer, socket: Duplex) => {
      reject(new Error("the server switched to another protocol, unasked"));
      socket.destroy();
    });
    sent.on("error", reject);
    sent.end(body);
    return promise.finally(() => {
      timer.cancel();
      this.#running.delete(sent);
    });
  }

  /** Closes the connections that no request uses now: after one broke while it was idle, others may have. */
  dropIdle(): void {
    for (const sockets of Object.values(this.#connections.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }

  /** Ends every request and closes every connection. */
  close(): void {
    this.#closed = true;
    for (const each of this.#running) each.destroy(closedError());
    this.#connections.destroy();
  }
}

/** A pool of connections that are opened elsewhere. */
class Connections extends Agent {
  constructor(
    private readonly open: () => Promise<Duplex>,
    maxFreeSockets: number,
  ) {
    super({ keepAlive: true, maxFreeSockets });
  }

  override createConnection(
    _options: unknown,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.open().then(
      (stream) => callback?.(null, stream),
      (error: Error) => callback?.(error, undefined as unknown as Duplex),
    );
  }
}

/** Reads an answer to its end. Rejects when it breaks off or is too long. */
function read(answer: IncomingMessage, mostBytes: number): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  answer.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > mostBytes) reject(new Error(`an answer of more than ${mostBytes} bytes`));
    else chunks.push(chunk);
  });
  answer.once("end", () => {
    resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) });
  });
  for (const event of ["aborted", "close"]) {
    answer.once(event, () => reject(new Error("the answer broke off")));
  }
  answer.on("error", reject);
  return promise;
}

function closedError(): Error {
  return new Error("the connections were closed");
}
