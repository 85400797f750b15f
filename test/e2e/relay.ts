/** A line between agent and hub that can be cut and held: what routers, firewalls and cables do. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Cleanup } from "../lab/cleanup.ts";

export class Relay {
  readonly #server: Server;
  #pairs = new Set<[Socket, Socket]>();
  /** Bytes carried so far. */
  carried = 0;
  /** Connections taken so far. */
  taken = 0;

  private constructor(toPort: number) {
    this.#server = createServer((near) => {
      this.taken++;
      const far = connect(toPort, "127.0.0.1");
      const pair: [Socket, Socket] = [near, far];
      this.#pairs.add(pair);
      for (const [from, to] of [pair, [far, near] as const]) {
        from.on("error", () => {});
        from.on("data", (chunk: Buffer) => {
          this.carried += chunk.length;
          if (!to.write(chunk)) from.pause();
        });
        to.on("drain", () => from.resume());
        from.on("close", () => {
          to.destroy();
          this.#pairs.delete(pair);
        });
      }
    });
  }

  static async start(toPort: number, cleanup: Cleanup): Promise<Relay> {
    const relay = new Relay(toPort);
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    cleanup.add("close a relay", () => {
      relay.#server.close();
      relay.cut();
    });
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends all connections, as a device on the way that was restarted. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  /** Carries nothing more on the connections of now, not even their end: a black hole. */
  hold(): void {
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        for (const event of ["data", "drain", "close"]) socket.removeAllListeners(event);
        socket.pause();
      }
    }
  }
}
