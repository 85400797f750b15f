/** How long streams stand still while a carrier is replaced as planned, on lines with delay. */
import { expect, test } from "vitest";
import type { Services } from "../../../agent/service/index.ts";
import type { Carrier, CarrierHandlers } from "../../../common/carrier/index.ts";
import type { FakeClock } from "../../../common/clock.ts";
import { BULK, INTERACTIVE, type Priority, type Stream } from "../../../common/mux/index.ts";
import { SECOND, settle } from "../handshake/rig.ts";
import { type Rig, rig, stop } from "./rig.ts";

/** ms between two writes to a stream. */
const EVERY = 5;
const PING = 64;
/** Bytes of bulk at a time: 4 MB/s. */
const BLOCK = 20_000;
/** Round trips before a carrier is open: TCP, TLS and the request for a WebSocket. */
const OPENING = 3;

/** What a line with a delay makes of a carrier: in each direction everything, also its end, takes its time. */
class FarCarrier implements Carrier {
  readonly kind = "far";

  constructor(
    private readonly carrier: Carrier,
    private readonly clock: FakeClock,
    private readonly oneWay: number,
  ) {}

  get peer(): string {
    return this.carrier.peer;
  }

  get unsent(): number {
    return 0;
  }

  attach(handlers: CarrierHandlers): void {
    this.carrier.attach({
      message: (bytes) => void this.clock.after(this.oneWay, () => handlers.message(bytes)),
      drain: () => handlers.drain(),
      close: (reason) => void this.clock.after(this.oneWay, () => handlers.close(reason)),
    });
  }

  send(message: Uint8Array): void {
    const copy = Buffer.from(message);
    this.clock.after(this.oneWay, () => this.carrier.send(copy));
  }

  close(reason: string): void {
    this.clock.after(this.oneWay, () => this.carrier.close(reason));
  }
}

/** Sends back what comes. */
const echo = {
  names: ["livestatus"],
  accept(stream: Stream) {
    stream.attach({
      data(chunk) {
        stream.write(Buffer.from(chunk));
        stream.consumed(chunk.length);
      },
      end() {},
      drain() {},
      reset() {},
    });
  },
} as unknown as Services;

/** A stream to the echo, and how long what is written takes to come back. */
class Echoed {
  readonly times: number[] = [];
  readonly #sentAt: number[] = [];
  #bytes = 0;
  resetBy: string | undefined;

  constructor(
    private readonly stream: Stream,
    private readonly clock: FakeClock,
    private readonly size: number,
  ) {
    stream.attach({
      data: (chunk) => {
        stream.consumed(chunk.length);
        for (this.#bytes += chunk.length; this.#bytes >= size; this.#bytes -= size) {
          this.times.push(clock.now() - (this.#sentAt.shift() ?? Number.NaN));
        }
      },
      end() {},
      drain() {},
      reset: (reason) => {
        this.resetBy = reason;
      },
    });
  }

  write(): void {
    this.#sentAt.push(this.clock.now());
    this.stream.write(Buffer.alloc(this.size, 1));
  }
}

async function open({ world }: Rig, priority: Priority, size: number): Promise<Echoed> {
  const stream = world.sites.open((await world.site()).id, "livestatus", priority, false);
  if (!stream) throw new Error("the site is not connected");
  return new Echoed(stream, world.clock, size);
}

test.each([2, 50, 200])(
  "with %i ms there and back at most one and a half round trips and 20 ms",
  {
    timeout: 60_000,
  },
  async (rtt) => {
    const its = await rig({
      maxAge: 2 * SECOND,
      services: echo,
      dial: async () => {
        const { clock } = its.world;
        its.dials.push(clock.now());
        await new Promise<void>((opened) => clock.after(OPENING * rtt, opened));
        return new FarCarrier(its.world.receive().agentEnd, clock, rtt / 2);
      },
    });
    const { clock } = its.world;
    its.start();
    while (its.connector.status().state !== "connected") {
      clock.advance(1);
      await settle();
    }
    const [probe, bulk] = [await open(its, INTERACTIVE, PING), await open(its, BULK, BLOCK)];
    for (let ms = 0; ms < 8 * SECOND; ms++) {
      if (ms % EVERY === 0) for (const stream of [probe, bulk]) stream.write();
      clock.advance(1);
      await settle();
    }
    expect(its.said().filter((message) => message === "carrier replaced").length).toBeGreaterThanOrEqual(2);
    expect([probe.resetBy, bulk.resetBy]).toEqual([undefined, undefined]);
    expect(probe.times.length).toBeGreaterThan(1_400);
    // what a ping takes beyond what it always takes
    const stall = Math.max(...probe.times) - Math.min(...probe.times);
    expect(Math.min(...probe.times)).toBeLessThanOrEqual(rtt + 5);
    expect(stall).toBeLessThanOrEqual(1.5 * rtt + 20);
    // it may be dialling just now, which takes the line's time
    let stopped = false;
    void stop(its).then(() => {
      stopped = true;
    });
    while (!stopped) {
      clock.advance(1);
      await settle();
    }
  },
);
