/** The hub's Livestatus in memory: clients whose sockets the test holds, and a core that the test plays. */

import { z } from "zod";
import { FakeClock } from "../../../common/clock.ts";
import { type Policy, policyKeys, policyOf } from "../../../common/livestatus/index.ts";
import { MemoryLog } from "../../../common/log.ts";
import type { ResetReason, Stream, StreamHandlers } from "../../../common/mux/index.ts";
import { Livestatus, type LivestatusOptions, type Refused } from "../../../hub/livestatus/index.ts";
import { FakeSocket } from "../service/socket.ts";
import { settle } from "../session/rig.ts";

export const FIXED = "ResponseHeader: fixed16\n";
export const KEPT = `KeepAlive: on\n${FIXED}`;
export const OPEN_POLICY: Policy = policyOf(z.strictObject(policyKeys).parse({}));
export const SITE = { id: 7, tenant: "acme", name: "main" };

/** An answer as a core gives it. */
export function answer(body: string, code = 200): string {
  return `${code} ${String(Buffer.byteLength(body)).padStart(11)}\n${body}`;
}

/** A stream to the core; the test is the core. */
export class CoreStream implements Stream {
  readonly id = 2;
  readonly service = "livestatus";
  received = "";
  ended = false;
  resetBy: ResetReason | undefined;
  /** Bytes of what it said that the hub has got rid of. */
  credited = 0;
  #handlers: StreamHandlers | undefined;

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }
  write(chunk: Buffer): boolean {
    if (this.ended || this.resetBy) throw new Error("written to what is over");
    this.received += chunk.toString("latin1");
    return true;
  }
  end(): void {
    this.ended = true;
  }
  reset(reason: ResetReason): void {
    this.resetBy ??= reason;
  }
  abort(reason: ResetReason): void {
    this.reset(reason);
  }
  consumed(bytes: number): void {
    this.credited += bytes;
  }

  /** The core sends. */
  says(text: string | Buffer): this {
    if (!this.resetBy) this.#handlers?.data(Buffer.from(text as string));
    return this;
  }
  /** The core ends the connection. */
  closes(): this {
    if (!this.resetBy) this.#handlers?.end();
    return this;
  }
  /** It says all it has to say, and ends, as a core does that was not asked to keep the connection. */
  answers(body: string, code = 200): this {
    return this.says(answer(body, code)).closes();
  }
  breaks(reason: ResetReason = "cancelled"): void {
    if (!this.resetBy) this.#handlers?.reset(reason);
  }
}

/** A client's connection; `address` undefined is a Unix socket. */
export class ClientSocket extends FakeSocket {
  override connecting = false;
  pauses = 0;

  constructor(readonly remoteAddress: string | undefined) {
    super();
  }
  override pause(): this {
    this.pauses++;
    return super.pause();
  }
  async sends(text: string | Buffer): Promise<this> {
    this.answer(text);
    await settle();
    return this;
  }
  async halfCloses(): Promise<this> {
    this.finish();
    await settle();
    return this;
  }
  async leaves(): Promise<void> {
    this.destroy();
    await settle();
  }
  /** How the hub ended it, if it has. */
  get ending(): "reset" | "closed" | "ended" | undefined {
    if (this.wasReset) return "reset";
    if (this.writableEnded) return "ended";
    return this.destroyed ? "closed" : undefined;
  }
}

export interface Rig {
  clock: FakeClock;
  log: MemoryLog;
  livestatus: Livestatus;
  /** Streams that were opened to the core, in order. */
  streams: CoreStream[];
  refused: Refused[];
  /** Sites whose core has answered a question, and within how many ms. */
  answered: [number, number][];
  /** Clients that the hub says are gone. */
  gone: ClientSocket[];
  /** What the hub is told of the site. */
  facts: { unreachable: string | undefined; generation: string | undefined; full: boolean };
  client(address?: string | undefined, site?: typeof SITE): ClientSocket;
}

export function rig(
  options: {
    limits?: Partial<LivestatusOptions["limits"]>;
    policy?: Partial<Policy>;
    /** What differs at single sites, `TENANT/SITE`. */
    policies?: Record<string, Partial<Policy>>;
    cache?: Partial<LivestatusOptions["cache"]>;
  } = {},
): Rig {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const streams: CoreStream[] = [];
  const refused: Refused[] = [];
  const answered: Rig["answered"] = [];
  const gone: ClientSocket[] = [];
  const facts: Rig["facts"] = { unreachable: undefined, generation: undefined, full: false };
  const livestatus = new Livestatus({
    limits: {
      channels: 5,
      channelTimeout: 3_000,
      queryTimeout: 120_000,
      requestTimeout: 10_000,
      idleTimeout: 300_000,
      clients: 1_024,
      ...options.limits,
    },
    policy: (site) => ({
      ...OPEN_POLICY,
      queryTimeout: undefined,
      ...options.policy,
      ...options.policies?.[`${site.tenant}/${site.name}`],
    }),
    cache: { entries: 100, bytes: 1 << 20, ...options.cache },
    clock,
    log,
    open: () => {
      if (facts.full) return undefined;
      const stream = new CoreStream();
      streams.push(stream);
      return stream;
    },
    unreachable: () => facts.unreachable,
    generation: () => facts.generation,
    refused: (each) => void refused.push(each),
    answered: (siteId, ms) => void answered.push([siteId, ms]),
  });
  const client = (address: string | undefined = "127.0.0.1", site = SITE) => {
    const socket = new ClientSocket(address === "unix" ? undefined : address);
    livestatus.serve(site, socket.socket, () => void gone.push(socket));
    return socket;
  };
  return { clock, log, livestatus, streams, refused, answered, gone, facts, client };
}

/** The stream that was opened last. */
export function newest({ streams }: Rig): CoreStream {
  const stream = streams.at(-1);
  if (!stream) throw new Error("no stream was opened");
  return stream;
}
