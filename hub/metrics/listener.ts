/** A listener of its own, plain HTTP, for who gathers numbers on this host. */

import type { Server } from "bun";
import type { Hono } from "hono";
import type { Clock, Timer } from "../../common/clock.ts";
import { reasonOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";

export interface MetricsListenerOptions {
  address: string;
  port: number;
  app: Hono;
  clock: Clock;
  log: Log;
}

/** ms until an address that could not be had is tried again: sites are served without it, too. */
const RETRY = 5_000;
/** Seconds within which a request must be there whole. */
const REQUEST_SECONDS = 10;
/** Bytes of a body; nobody here has use for one. */
const LARGEST_BODY = 1 << 10;

export class MetricsListener {
  #server: Server<undefined> | undefined;
  #retry: Timer | undefined;
  #failure: string | undefined;

  constructor(private readonly options: MetricsListenerOptions) {}

  /** The port it has; undefined while it cannot listen. */
  get port(): number | undefined {
    return this.#server?.port;
  }

  start(): void {
    const { address, port, app, clock, log } = this.options;
    try {
      this.#server = Bun.serve({
        hostname: address,
        port,
        idleTimeout: REQUEST_SECONDS,
        maxRequestBodySize: LARGEST_BODY,
        fetch: (request) => app.fetch(request),
        error: () => new Response("the hub had a fault\n", { status: 500 }),
      });
      log.info("metrics listening", { address: `${address}:${this.#server.port}` });
    } catch (error) {
      const reason = reasonOf(error);
      if (this.#failure !== reason) {
        log.error("metrics cannot be offered", { address: `${address}:${port}`, reason });
      }
      this.#failure = reason;
      this.#retry = clock.after(RETRY, () => this.start());
    }
  }

  async stop(): Promise<void> {
    this.#retry?.cancel();
    await this.#server?.stop(true);
  }
}
