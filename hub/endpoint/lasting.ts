/** An endpoint at a TCP address which is tried again for as long as that cannot be had. */

import type { Clock, Timer } from "../../common/clock.ts";
import { Endpoint, type Way } from "./endpoint.ts";

export interface LastingOptions extends Way {
  address: { host: string; port: number };
  clock: Clock;
  /** The address cannot be had; told once until it could be. */
  failed: (reason: string) => void;
}

/** ms until an address that could not be had is tried again. */
const RETRY = 5_000;

export class LastingEndpoint {
  #endpoint: Endpoint;
  #failure: string | undefined;
  #retry: Timer | undefined;

  constructor(private readonly options: LastingOptions) {
    this.#endpoint = this.#listen();
  }

  #listen(): Endpoint {
    const { address, serve, open, clock, failed } = this.options;
    const endpoint = new Endpoint({
      address,
      serve,
      open,
      listening: () => {
        this.#failure = undefined;
      },
      failed: (reason) => {
        if (this.#failure === undefined) failed(reason);
        this.#failure = reason;
        endpoint.close();
        this.#retry = clock.after(RETRY, () => {
          this.#endpoint = this.#listen();
        });
      },
    });
    return endpoint;
  }

  /** Whether it listens, or why not; and its clients. */
  get state(): { state: "listening" | "failed"; reason?: string; clients: number } {
    const clients = this.#endpoint.clients;
    const reason = this.#failure;
    return reason === undefined ? { state: "listening", clients } : { state: "failed", reason, clients };
  }

  /** Stops listening and ends every client. */
  close(): void {
    this.#retry?.cancel();
    this.#endpoint.close();
  }
}
