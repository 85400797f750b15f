/** Two sessions and the carriers between them, in memory, with a clock that moves only when told. */
import type { Carrier } from "../../../common/carrier/carrier.ts";
import { type MemoryCarrier, memoryPair } from "../../../common/carrier/memory.ts";
import { FakeClock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import type { Random } from "../../../common/random.ts";
import { Link, type RecordCipher } from "../../../common/session/link.ts";
import type { SessionHandlers, SessionLimits } from "../../../common/session/options.ts";
import { ATTACH, ATTACHED, FRAMES, FRAMES_HEADER, writeAck } from "../../../common/session/record.ts";
import { Session } from "../../../common/session/session.ts";

/** Lets everything happen that can happen without time moving on: all of it runs on microtasks. */
export function settle(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

/** Lets only a little happen: so many turns of the microtask queue. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

/** Moves time on in small steps, each with everything that follows from it. */
export async function pass(clock: FakeClock, ms: number, step = 100): Promise<void> {
  for (let left = ms; left > 0; left -= step) {
    clock.advance(Math.min(step, left));
    await settle();
  }
}

/** A seeded stream of numbers (mulberry32): the same run for the same seed. */
export class Dice implements Random {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed;
  }

  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** A whole number from 0 to `below` - 1. */
  upTo(below: number): number {
    return Math.floor(this.unit() * below);
  }

  bytes(n: number): Buffer {
    return Buffer.from(Array.from({ length: n }, () => this.upTo(256)));
  }
}

/** Runs `check` once per seed; a failure names its seed. */
export async function forSeeds(
  first: number,
  last: number,
  check: (dice: Dice) => Promise<void>,
): Promise<void> {
  for (let seed = first; seed <= last; seed++) {
    try {
      await check(new Dice(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
}

/** Always the middle: beats of the heart come at 90 % of a quarter of `deadAfter`. */
const MIDDLE: Random = { bytes: (n) => new Uint8Array(n), unit: () => 0.5 };

/** Encrypts nothing, but like Noise adds 16 bytes and takes each message only in its place. */
class PadCipher implements RecordCipher {
  #encrypted = 0;
  #decrypted = 0;

  encrypt(plaintext: Uint8Array): Buffer {
    const message = Buffer.alloc(plaintext.length + 16);
    message.set(plaintext);
    message.writeUIntBE(this.#encrypted++, plaintext.length + 10, 6);
    return message;
  }

  decrypt(message: Buffer): Buffer {
    if (message.length < 16 || message.readUIntBE(message.length - 6, 6) !== this.#decrypted++) {
      throw new FarsiteError("E_CARRIER_TAMPERED", "message out of its place");
    }
    return message.subarray(0, message.length - 16);
  }
}

/** The link at each end of one carrier. */
export interface Links {
  readonly agentLink: Link;
  readonly hubLink: Link;
}

/** One carrier pair in memory. */
export interface Wire extends Links {
  readonly agent: MemoryCarrier;
  readonly hub: MemoryCarrier;
  /** Breaks it; both ends are told. */
  cut(): void;
  /** From now on nothing arrives at either end, and nobody is told. */
  blackHole(): void;
}

export function linkOf(carrier: Carrier): Link {
  const link = new Link(carrier, new PadCipher());
  carrier.attach({
    message: (bytes) => link.onMessage(bytes),
    drain: () => link.onDrain(),
    close: (reason) => link.onClose(reason),
  });
  return link;
}

export function wire(): Wire {
  const [agent, hub] = memoryPair();
  return {
    agent,
    hub,
    agentLink: linkOf(agent),
    hubLink: linkOf(hub),
    cut: () => agent.cut("cut"),
    blackHole() {
      agent.tamper = () => undefined;
      hub.tamper = () => undefined;
    },
  };
}

function count(kind: number, value: number): Buffer {
  const record = Buffer.alloc(7);
  record[0] = kind;
  record.writeUIntBE(value, 1, 6);
  return record;
}

/** Adopts `link`; one whose claims are refused is given up. */
export function adoptOrFail(session: Session, link: Link, peerReceived: number, from: number): void {
  try {
    session.adopt(link, peerReceived, from);
  } catch (error) {
    if (!(error instanceof FarsiteError)) throw error;
    link.fail(error);
  }
}

/**
 * Makes a carrier and lets the agent ask for its session on it: the counts travel as ATTACH and ATTACHED
 * carry them, so that whatever serves until now goes on meanwhile.
 */
export function dial(agent: Session, hub: Session): Wire;
export function dial<T extends Links>(agent: Session, hub: Session, over: T): T;
export function dial(agent: Session, hub: Session, over: Links = wire()): Links {
  over.hubLink.attach({
    record(record) {
      if (hub.ended) return over.hubLink.fail(hub.ended);
      const received = hub.received;
      over.hubLink.send(count(ATTACHED, received));
      adoptOrFail(hub, over.hubLink, record.readUIntBE(1, 6), received);
    },
    drain() {},
    close() {},
  });
  const claimed = agent.received;
  over.agentLink.attach({
    record: (record) => adoptOrFail(agent, over.agentLink, record.readUIntBE(1, 6), claimed),
    drain() {},
    close() {},
  });
  over.agentLink.send(count(ATTACH, claimed));
  return over;
}

/** Puts both sessions on a new carrier at once. */
export function connect(agent: Session, hub: Session): Wire {
  const over = wire();
  const [agentHas, hubHas] = [agent.received, hub.received];
  agent.adopt(over.agentLink, hubHas, agentHas);
  hub.adopt(over.hubLink, agentHas, hubHas);
  return over;
}

/** A FRAMES record; `ack` is how many records its sender has. */
export function framesRecord(text: string, ack = 0): Buffer {
  const record = Buffer.concat([Buffer.alloc(FRAMES_HEADER, FRAMES), Buffer.from(text)]);
  writeAck(record, ack);
  return record;
}

export interface SideOptions {
  limits?: Partial<SessionLimits>;
  random?: Random;
  handlers?: Partial<SessionHandlers>;
}

/** A session, what it is to say, and everything it told whoever is above. */
export class Side {
  readonly session: Session;
  readonly outbox: Buffer[] = [];
  readonly heard: string[] = [];
  /** Records that the session needs no more. */
  readonly givenBack: string[] = [];
  readonly carriers: string[] = [];
  readonly ends: FarsiteError[] = [];
  /** What the other side asked for with GOAWAY, ms. */
  readonly goAways: number[] = [];
  pulled = 0;

  constructor(clock: FakeClock, options: SideOptions = {}) {
    this.session = new Session(new Uint8Array(16), {
      clock,
      random: options.random ?? MIDDLE,
      limits: options.limits ?? {},
      defer: queueMicrotask,
    });
    this.session.attach({
      pull: () => {
        const record = this.outbox.shift();
        this.pulled += record?.length ?? 0;
        return record;
      },
      acknowledged: (record) => {
        this.givenBack.push(record.toString("utf8", FRAMES_HEADER));
        // whoever sends it again sends nonsense
        record.fill(0xff);
      },
      frames: (record) => void this.heard.push(record.toString("utf8", FRAMES_HEADER)),
      carrier: (link, reason) => void this.carriers.push(link ? "up" : `${reason?.code} ${reason?.message}`),
      goAway: (ms) => void this.goAways.push(ms),
      end: (reason) => void this.ends.push(reason),
      ...options.handlers,
    });
  }

  say(...texts: string[]): void {
    for (const text of texts) this.outbox.push(framesRecord(text));
    this.session.wake();
  }
}

export interface Pair {
  clock: FakeClock;
  agent: Side;
  hub: Side;
}

/** Two sessions that have no carrier yet. */
export function pair(options: SideOptions = {}): Pair {
  const clock = new FakeClock();
  return { clock, agent: new Side(clock, options), hub: new Side(clock, options) };
}

export interface Lone {
  clock: FakeClock;
  side: Side;
  /** Records that the session sent and the other end took. */
  sent: Buffer[];
  near: MemoryCarrier;
  far: MemoryCarrier;
  farLink: Link;
}

/** One session on a carrier; the test itself is the other end. */
export function lone(options: SideOptions = {}): Lone {
  const clock = new FakeClock();
  const side = new Side(clock, options);
  const { agent: near, hub: far, agentLink, hubLink: farLink } = wire();
  const sent: Buffer[] = [];
  farLink.attach({ record: (record) => void sent.push(record), drain() {}, close() {} });
  side.session.adopt(agentLink, 0, 0);
  return { clock, side, sent, near, far, farLink };
}

/** Those of `records` that are of one kind. */
export function ofKind(records: Buffer[], kind: number): Buffer[] {
  return records.filter((record) => record[0] === kind);
}
