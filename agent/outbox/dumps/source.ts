/**
 * Makes status dumps of what is read at the site. Each holds what differs from what the hub has: what was in dumps that it
 * has confirmed. So a dump that gives way to a newer one is no loss, and one dump is under way at a time.
 */
import type { Clock, Timer } from "../../../common/clock.ts";
import { reasonOf } from "../../../common/errors.ts";
import type { Log } from "../../../common/log.ts";
import {
  type DumpBody,
  type GoneRecord,
  KEY_BYTES,
  MAX_DUMP,
  MAX_DUMP_OBJECTS,
  type ShadowBody,
} from "../../../common/outbox/index.ts";
import type { Random } from "../../../common/random.ts";
import { Runs } from "../../../common/runs.ts";
import type { ItemMeta, Lane, Source } from "../lane/index.ts";
import { type ObjectRecord, partsOf, type Reader, type Reading } from "./record.ts";

export interface DumpSourceOptions {
  reader: Reader;
  /** ms between two dumps. */
  interval: number;
  /** ms after which one has everything, changed or not. */
  everything: number;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface DumpStatus {
  /** Since the agent's start. */
  dumps: number;
  /** Those that had everything. */
  full: number;
  /** Hosts and services that there were last. */
  objects: number;
  /** Those in the last dump. */
  changed: number;
  /** Those that could not be read last, and why the first of them could not. */
  refused: number;
  refusal: string | undefined;
  /** Why there is no dump now. */
  problem: string | undefined;
}

/** What a dump says of each object: a digest of its record, or that it is gone. */
type Told = Map<string, bigint | undefined>;
type Pending = { told: Told; reset: boolean; complete: boolean };

/** Bytes of records that are put into one dump; what is around them needs less than the rest. */
const PART = MAX_DUMP / 2;
/** Dumps that are remembered until the lane has said what became of them. */
const MOST_PENDING = 16;

export class DumpSource implements Source {
  readonly #options: DumpSourceOptions;
  /** Digests of the records that the hub has. */
  #known = new Map<string, bigint>();
  /** The next dump begins anew. */
  #reset = true;
  #resetAt = 0;
  readonly #pending = new Map<string, Pending>();
  readonly #running = new Runs(() => this.#dump());
  #lane: Lane | undefined;
  #timer: Timer | undefined;
  /** A dump is due once the one under way has landed. */
  #due = false;
  #stopped = false;
  #made = 0;
  #full = 0;
  #objects = 0;
  #changed = 0;
  #refused: Pick<Reading, "refused" | "reason"> = { refused: 0, reason: undefined };
  #problem: string | undefined;

  constructor(options: DumpSourceOptions) {
    this.#options = options;
  }

  start(lane: Lane): void {
    this.#lane = lane;
    this.#tick();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#options.reader.stop();
    await this.#running.idle;
  }

  status(): DumpStatus {
    return {
      dumps: this.#made,
      full: this.#full,
      objects: this.#objects,
      changed: this.#changed,
      refused: this.#refused.refused,
      refusal: this.#refused.reason,
      problem: this.#problem,
    };
  }

  #tick(): void {
    this.#timer = this.#options.clock.after(this.#options.interval, () => this.#tick());
    this.#running.ask();
  }

  async #dump(): Promise<void> {
    const { reader, clock, everything, log } = this.#options;
    const lane = this.#lane;
    if (!lane || this.#stopped) return;
    this.#due = lane.underWay;
    if (this.#due) return;
    try {
      const reading = await reader.read();
      if (this.#stopped) return;
      this.#note(reading);
      if (clock.now() - this.#resetAt >= everything) this.#reset = true;
      await this.#queue(lane, reading);
      if (this.#problem !== undefined) log.info("status dumps are made again");
      this.#problem = undefined;
    } catch (error) {
      if (this.#stopped) return;
      const problem = reasonOf(error);
      if (this.#problem !== problem) log.error("no status dump can be made", { reason: problem });
      this.#problem = problem;
    }
  }

  #note({ refused, reason }: Reading): void {
    if (reason !== undefined && reason !== this.#refused.reason) {
      this.#options.log.warn("hosts or services cannot be read and are left out", { refused, reason });
    }
    this.#refused = { refused, reason };
  }

  async #queue(lane: Lane, { kind, objects }: Reading): Promise<void> {
    const { clock, random } = this.#options;
    const reset = this.#reset;
    const { body, told } = difference(objects, reset ? new Map() : this.#known, reset);
    const source = `${clock.wall()}-${this.#made}`;
    this.#pending.set(source, { told, reset, complete: body.complete });
    const [oldest] = this.#pending.keys();
    if (this.#pending.size > MOST_PENDING && oldest !== undefined) this.#pending.delete(oldest);
    this.#made++;
    if (reset) this.#full++;
    this.#objects = objects.size;
    this.#changed = told.size;
    await lane.append(
      { key: Buffer.from(random.bytes(KEY_BYTES)), kind, time: Math.floor(clock.wall()), source },
      lane.seal(Buffer.from(JSON.stringify(body))),
    );
  }

  /** It is not remembered what it said: the first dump of this start has everything. */
  queued(): void {}

  async landed(items: readonly ItemMeta[]): Promise<void> {
    for (const { source } of items) {
      const dump = this.#pending.get(source);
      if (!dump) continue;
      // all before it have landed, too, or gave way
      for (const earlier of [...this.#pending.keys()]) {
        this.#pending.delete(earlier);
        if (earlier === source) break;
      }
      if (dump.reset) {
        this.#known = new Map();
        this.#reset = false;
        this.#resetAt = this.#options.clock.now();
      }
      for (const [name, digest] of dump.told) {
        if (digest === undefined) this.#known.delete(name);
        else this.#known.set(name, digest);
      }
      if (!dump.complete) this.#due = true;
    }
    if (this.#due) this.#running.ask();
  }

  async failed({ source }: ItemMeta): Promise<void> {
    // the hub may want everything, and after an outage it does
    if (this.#pending.delete(source)) this.#reset = true;
  }
}

/** What is to be told of the core's objects to somebody who knows these, as much as fits into one dump. */
function difference(
  objects: ReadonlyMap<string, ObjectRecord>,
  known: ReadonlyMap<string, bigint>,
  reset: boolean,
): { body: DumpBody | ShadowBody; told: Told } {
  const told: Told = new Map();
  const [gone, hosts, services]: [GoneRecord[], unknown[], unknown[]] = [[], [], []];
  let [bytes, complete] = [0, true];
  const fits = (more: number): boolean => {
    bytes += more;
    const fit = bytes <= PART && told.size < MAX_DUMP_OBJECTS;
    if (!fit) complete = false;
    return fit;
  };
  for (const name of known.keys()) {
    if (objects.has(name)) continue;
    if (!fits(Buffer.byteLength(name))) break;
    told.set(name, undefined);
    gone.push(partsOf(name));
  }
  for (const [name, object] of objects) {
    const text = JSON.stringify("host" in object ? object.host : object.service);
    const digest = Bun.hash(text) as bigint;
    if (known.get(name) === digest) continue;
    if (!fits(Buffer.byteLength(text))) break;
    told.set(name, digest);
    if ("host" in object) hosts.push(object.host);
    else services.push(object.service);
  }
  // all records of a reading are of its kind
  return { body: { version: 1, reset, complete, hosts, services, gone } as DumpBody | ShadowBody, told };
}
