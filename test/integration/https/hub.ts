/** A hub's real listener on loopback, whose carriers the test holds itself. */
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { httpsDialer } from "../../../agent/tunnel/https.ts";
import { directReach } from "../../../agent/tunnel/reach.ts";
import type { Carrier } from "../../../common/carrier/index.ts";
import { systemClock } from "../../../common/clock.ts";
import { systemRandom } from "../../../common/random.ts";
import type { TlsIdentity } from "../../../hub/tls/index.ts";
import { Admission, listen } from "../../../hub/tunnel/index.ts";

export const TIMEOUT = 10_000;

export interface TestListener {
  port: number;
  /** The hub's ends of all carriers so far. */
  carriers: Carrier[];
  admission: Admission;
}

/** @param welcome must attach to the carrier at once; its promise ends the handshake */
export function startListener(
  welcome: (carrier: Carrier) => Promise<void>,
  tls?: TlsIdentity,
  limits: { handshakes?: number } = {},
): TestListener {
  const { handshakes = 100 } = limits;
  const carriers: Carrier[] = [];
  const admission = new Admission({
    clock: systemClock,
    handshakes,
    handshakesPerAddress: handshakes,
    refusalsPerMinute: 1_000,
  });
  const listener = listen({
    address: "127.0.0.1",
    port: 0,
    tls,
    clock: systemClock,
    random: systemRandom,
    admission,
    welcome: (carrier) => {
      carriers.push(carrier);
      return welcome(carrier);
    },
    fetch: () => new Response("not here\n", { status: 404 }),
  });
  onTestFinished(() => listener.stop());
  return { port: listener.port, carriers, admission };
}

/** A dialler of carriers over plain requests. */
export const dialer = (ca?: string[]) =>
  httpsDialer({ reach: directReach({ ca, clock: systemClock }), clock: systemClock });

/** Sends back every message. */
export async function echo(carrier: Carrier): Promise<void> {
  carrier.attach({ message: (bytes) => carrier.send(bytes), drain() {}, close() {} });
}

/** What came over a carrier. */
export class Listening {
  readonly messages: Buffer[] = [];
  bytes = 0;
  readonly closed: Promise<string>;
  #wake: () => void = () => {};
  #drained: () => void = () => {};

  constructor(readonly carrier: Carrier) {
    this.closed = new Promise((resolve) => {
      carrier.attach({
        message: (message) => {
          this.messages.push(message);
          this.bytes += message.length;
          this.#wake();
        },
        drain: () => this.#drained(),
        close: resolve,
      });
    });
  }

  /** Resolves when so many bytes have come. */
  async until(bytes: number): Promise<void> {
    while (this.bytes < bytes) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends all messages, in step with what the line carries. */
  async send(messages: Iterable<Buffer>): Promise<void> {
    for (const message of messages) {
      this.carrier.send(message);
      if (this.carrier.unsent < 1 << 20) continue;
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
  }
}

/** Waits for a server to listen. */
export async function listening<T extends { once(event: string, run: () => void): unknown }>(
  server: T,
): Promise<T> {
  await once(server as never, "listening");
  return server;
}
