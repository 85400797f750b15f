/** The HTTP-aware service in memory: clients whose sockets the test holds, and a web server that the test plays. */

import { FakeClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import type { ResetReason, Stream, StreamHandlers } from "../../../common/mux/index.ts";
import { type HttpLimits, HttpService, Syncs } from "../../../hub/http/index.ts";
import { ClientSocket } from "../livestatus/rig.ts";
import { settle } from "../session/rig.ts";

export const SITE = { id: 7, tenant: "acme", name: "main" };
export const HOST = "127.64.0.1:5000";

/** A request with a Host, and its empty line. */
export function request(first: string, ...fields: string[]): string {
  return [`${first} HTTP/1.1`, `Host: ${HOST}`, ...fields, "\r\n"].join("\r\n");
}

/** An answer with a length. */
export function answer(body: string, first = "200 OK", ...fields: string[]): string {
  return [`HTTP/1.1 ${first}`, ...fields, `Content-Length: ${body.length}`, `\r\n${body}`].join("\r\n");
}

/** A stream to the web server; the test is the server. */
export class WebStream implements Stream {
  readonly id = 2;
  readonly service = "http";
  received = "";
  resetBy: ResetReason | undefined;
  /** Bytes of what it said that the hub has got rid of. */
  credited = 0;
  /** It takes no more for now. */
  full = false;
  #handlers: StreamHandlers | undefined;

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }
  write(chunk: Buffer): boolean {
    if (this.resetBy) throw new Error("written to what is over");
    this.received += chunk.toString("latin1");
    return !this.full;
  }
  end(): void {}
  reset(reason: ResetReason): void {
    this.resetBy ??= reason;
  }
  abort(reason: ResetReason): void {
    this.reset(reason);
  }
  consumed(bytes: number): void {
    this.credited += bytes;
  }

  /** The server sends. */
  async says(bytes: string | Buffer): Promise<void> {
    if (!this.resetBy) this.#handlers?.data(Buffer.from(bytes as string));
    await settle();
  }
  /** It ends the connection. */
  async closes(): Promise<void> {
    if (!this.resetBy) this.#handlers?.end();
    await settle();
  }
  async breaks(reason: ResetReason = "cancelled"): Promise<void> {
    if (!this.resetBy) this.#handlers?.reset(reason);
    await settle();
  }
  /** It has taken what was sent. */
  async drains(): Promise<void> {
    this.full = false;
    this.#handlers?.drain();
    await settle();
  }
}

export interface Rig {
  clock: FakeClock;
  log: MemoryLog;
  syncs: Syncs;
  /** Streams that were opened, in order. */
  streams: WebStream[];
  /** Clients that the hub says are gone. */
  gone: ClientSocket[];
  facts: { unreachable: string | undefined; full: boolean };
  client(address?: string): ClientSocket;
  /** The stream that was opened last. */
  newest(): WebStream;
}

export function rig(limits: Partial<HttpLimits> = {}): Rig {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const syncs = new Syncs({ clock, log, most: 3 });
  const streams: WebStream[] = [];
  const gone: ClientSocket[] = [];
  const facts: Rig["facts"] = { unreachable: undefined, full: false };
  const service = new HttpService({
    limits: { headTimeout: 10_000, idleTimeout: 60_000, answerTimeout: 300_000, clients: 10, ...limits },
    clock,
    log,
    syncs,
    open: () => {
      if (facts.full) return undefined;
      const stream = new WebStream();
      streams.push(stream);
      return stream;
    },
    unreachable: () => facts.unreachable,
  });
  const client = (address = "127.0.0.1") => {
    const socket = new ClientSocket(address === "unix" ? undefined : address);
    service.serve(SITE, socket.socket, () => void gone.push(socket));
    return socket;
  };
  const newest = () => {
    const stream = streams.at(-1);
    if (!stream) throw new Error("no stream was opened");
    return stream;
  };
  return { clock, log, syncs, streams, gone, facts, client, newest };
}
