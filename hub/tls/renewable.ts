/** A server of Bun's whose certificate can be another one while it runs, which Bun itself does not offer. */

import type { Server } from "bun";

/** ms until the address is tried again, when somebody else has taken it in the moment between two servers. */
const RETRY = 100;

export class RenewableServer<Data, Tls> {
  readonly #serve: (tls: Tls, port: number) => Server<Data>;
  #server: Server<Data>;
  /** Those that listen no more, but still have connections. */
  readonly #former = new Set<Server<Data>>();
  #stopped = false;

  /** @param serve starts a server; what it throws, this does */
  constructor(tls: Tls, port: number, serve: (tls: Tls, port: number) => Server<Data>) {
    this.#serve = serve;
    this.#server = serve(tls, port);
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  /** Another certificate, for connections that begin from now on; those that are there go on. */
  async renew(tls: Tls): Promise<void> {
    const before = this.#server;
    const { port } = this;
    this.#former.add(before);
    // it does not listen any more from now on; another one cannot while it does
    void before.stop().then(() => this.#former.delete(before));
    while (!this.#stopped) {
      try {
        this.#server = this.#serve(tls, port);
        return;
      } catch {
        await Bun.sleep(RETRY);
      }
    }
  }

  /** Ends all, connections too. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#server, ...this.#former].map((server) => server.stop(true)));
  }
}
