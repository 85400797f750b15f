/** What the line carries, seen with PROBE records on a carrier that serves nothing else. */
import type { Clock, Timer } from "../../common/clock.ts";
import { FarsiteError } from "../../common/errors.ts";
import { type Link, records } from "../../common/session/index.ts";

export interface LineFigures {
  /** The least round-trip time, ms. */
  rtt: number;
  /** Bytes a second, inside of everything. */
  up: number;
  down: number;
}

/** Round trips, of which the shortest counts: the first may find a sleeping radio. */
const TRIPS = 4;
/** ms for a large message where small ones pass: far more than a slow line takes, less than TCP gives up after. */
const LARGE = 4_000;
/** Bytes of a large message: some forty packets of full size. */
const LARGE_BYTES = records.MAX_RECORD;
/** ms that one direction may be kept busy, ... */
const BUSY = 1_500;
/** ... with so many messages at most: 1 MiB, small beside what monitoring moves. */
const MOST = 16;

/** Asks; throws why the carrier ended, or E_PATH_MTU. The link is ended in any case. */
export async function measureLine(link: Link, clock: Clock): Promise<LineFigures> {
  const prober = new Prober(link, clock);
  try {
    let rtt = Number.POSITIVE_INFINITY;
    for (let trip = 0; trip < TRIPS; trip++) rtt = Math.min(rtt, await prober.ask(SMALL, SMALL, LARGE));
    const largeUp = await prober.ask(LARGE_BYTES, SMALL, LARGE).catch(pathTrouble("to the hub"));
    const largeDown = await prober.ask(SMALL, LARGE_BYTES, LARGE).catch(pathTrouble("from the hub"));
    const up = await prober.rate(LARGE_BYTES, SMALL, largeUp, rtt);
    const down = await prober.rate(SMALL, LARGE_BYTES, largeDown, rtt);
    return { rtt, up, down };
  } finally {
    prober.end();
  }
}

const SMALL = records.PROBE_HEADER;

/** Nothing came back; the carrier may be there or not. */
class Silence extends FarsiteError {
  constructor(ms: number) {
    super("E_CARRIER_LOST", `nothing came back from the hub within ${ms / 1000} s`);
  }
}

function pathTrouble(direction: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Silence)) throw error;
    throw new FarsiteError(
      "E_PATH_MTU",
      `messages of ${LARGE_BYTES} bytes ${direction} do not arrive within ${LARGE / 1000} s, although small ones pass`,
      'Packets of full size are lost on the way (path MTU): let ICMP "fragmentation needed" pass, or limit the ' +
        "MSS on the VPN, PPPoE line or tunnel in between. On this host alone: sysctl net.ipv4.tcp_mtu_probing=1",
    );
  };
}

/** Probes under way on one link; answers come in order. */
class Prober {
  readonly #waiting: { wanted: number; done: PromiseWithResolvers<number>; sent: number; timer: Timer }[] =
    [];
  #over: FarsiteError | undefined;

  constructor(
    private readonly link: Link,
    private readonly clock: Clock,
  ) {
    link.attach({
      record: (record) => this.#onRecord(record),
      drain() {},
      close: (reason) => this.#fail(reason),
    });
  }

  /** Sends a PROBE of `length` bytes for an answer of `wanted`; resolves with the ms that it took. */
  ask(length: number, wanted: number, patience: number): Promise<number> {
    const done = Promise.withResolvers<number>();
    if (this.#over) return Promise.reject(this.#over);
    const timer = this.clock.after(patience, () => done.reject(new Silence(patience)));
    this.#waiting.push({ wanted, done, sent: this.clock.now(), timer });
    this.link.send(records.encodeProbe(records.PROBE, wanted, length));
    return done.promise;
  }

  /** Bytes a second in the direction of the larger one. @param one ms that one such probe took by itself */
  async rate(length: number, wanted: number, one: number, rtt: number): Promise<number> {
    const count = Math.max(1, Math.min(MOST, Math.floor(BUSY / Math.max(one - rtt, 1))));
    const began = this.clock.now();
    await Promise.all(Array.from({ length: count }, () => this.ask(length, wanted, LARGE + BUSY)));
    // the way there and back of the last one is not what the line needs for its bytes
    const took = Math.max(this.clock.now() - began - rtt, 1);
    return Math.round((count * Math.max(length, wanted) * 1000) / took);
  }

  end(): void {
    if (this.#over) return;
    this.link.send(records.encodeEnd(new FarsiteError("E_CARRIER_LOST", "the line was looked at")));
    this.link.fail(new FarsiteError("E_CARRIER_LOST", "the line was looked at"));
  }

  #onRecord(record: Buffer): void {
    if (record[0] === records.END) return this.#fail(records.decodeEnd(record));
    const [first] = this.#waiting;
    if (record[0] !== records.PROBED || record.length !== first?.wanted) {
      return this.link.fail(new FarsiteError("E_PROTOCOL", "the hub did not answer as it was asked"));
    }
    this.#waiting.shift();
    first.timer.cancel();
    first.done.resolve(this.clock.now() - first.sent);
  }

  #fail(reason: FarsiteError): void {
    this.#over = reason;
    for (const { timer, done } of this.#waiting.splice(0)) {
      timer.cancel();
      done.reject(reason);
    }
  }
}

/** Leaves a carrier on which the hub has let this agent in and nothing more is wanted. */
export function leave(link: Link): void {
  link.attach({ record() {}, drain() {}, close() {} });
  link.send(records.encodeEnd(new FarsiteError("E_CARRIER_LOST", "the way was looked at")));
  link.fail(new FarsiteError("E_CARRIER_LOST", "the way was looked at"));
}
