/** Brings the letters of a box to one sink, in order, and tries again where the sink cannot take them. */
import type { Clock, Timer } from "../../common/clock.ts";
import { reasonOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import { Meter } from "../../common/meter.ts";
import type { Random } from "../../common/random.ts";
import { Runs } from "../../common/runs.ts";
import type { Letter, Sender } from "./letter/index.ts";
import type { Holds, Sink } from "./sink/index.ts";
import type { SinkPosition } from "./state.ts";

export interface DeliveryOptions {
  sink: Sink;
  sender: Sender;
  /** Where it is; saved by `save`. */
  position: SinkPosition;
  save: () => Promise<void>;
  /** The first letters behind a sequence number, up to another one. */
  pending: (after: number, most: number, upTo?: number) => Promise<Letter[]>;
  /** How many there are. */
  waiting: (after: number) => number;
  /** The sink will never take this one. */
  failed: (letter: Letter, reason: string) => Promise<void>;
  /** The sink says something to a letter. */
  answered: (sequence: number, answer: Uint8Array) => void;
  /** It has more than before. */
  landed: () => void;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface DeliveryStatus {
  sink: string;
  kind: string;
  waiting: number;
  /** Since the hub's start. */
  landed: number;
  landedPerMinute: number;
  failed: number;
  holds?: Holds | undefined;
  /** Why it takes nothing now. */
  problem: string | undefined;
  /** What it cannot do for this site, though it takes its letters. */
  note?: string | undefined;
}

/** ms until a sink is tried again: at first, and at most. Each try doubles it, half of it is random. */
const RETRY = 1_000;
const LONGEST_RETRY = 60_000;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #running = new Runs(() => this.#run());
  #retry: Timer | undefined;
  #failures = 0;
  #problem: string | undefined;
  #closed = false;
  #failed = 0;
  readonly #meter: Meter;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#meter = new Meter(options.clock);
  }

  get exact(): boolean {
    return this.#options.sink.exact !== undefined;
  }

  /** Up to which sequence number the sink has everything. */
  get landed(): number {
    return this.#options.position.landed;
  }

  /** There may be letters. */
  wake(): void {
    this.#running.ask();
  }

  async #run(): Promise<void> {
    const { log, clock, random } = this.#options;
    if (this.#retry) return;
    try {
      while (!this.#closed && (await this.#deliverSome())) {
        if (this.#problem !== undefined) log.info("a sink takes letters again");
        this.#problem = undefined;
        this.#failures = 0;
      }
    } catch (error) {
      const problem = reasonOf(error);
      if (this.#problem !== problem) log.error("a sink cannot take letters now", { reason: problem });
      this.#problem = problem;
      const wait = Math.min(LONGEST_RETRY, RETRY * 2 ** Math.min(this.#failures++, 16));
      this.#retry = clock.after(wait * (0.5 + random.unit() / 2), () => {
        this.#retry = undefined;
        this.wake();
      });
    }
  }

  /** Says whether there was anything to do. */
  async #deliverSome(): Promise<boolean> {
    const { sink, position, save, pending, landed } = this.#options;
    if (sink.exact) {
      if (position.landing && position.landing.to > position.landed) await this.#settle();
      else {
        const letters = await pending(position.landed, sink.batch);
        const last = letters.at(-1);
        if (!last) return false;
        await sink.exact.stage(letters);
        position.landing = { to: last.sequence, place: sink.exact.place };
        await this.#settle(letters);
      }
    } else {
      const letters = await pending(position.landed, sink.batch);
      const last = letters.at(-1);
      if (!last) return false;
      const rejected = await sink.land(letters);
      for (const { letter, reason } of rejected) await this.#options.failed(letter, reason);
      this.#failed += rejected.length;
      this.#meter.add(letters.length - rejected.length);
      position.landed = last.sequence;
      await save();
    }
    landed();
    return true;
  }

  /** Lands what is staged: also what a crash, or a full disk, left between the steps. */
  async #settle(staged?: readonly Letter[]): Promise<void> {
    const { sink, position, save, pending } = this.#options;
    const { landing } = position;
    if (!landing || !sink.exact) return;
    // once more, where an earlier attempt to save it may have failed
    await save();
    const letters = staged ?? (await pending(position.landed, Number.POSITIVE_INFINITY, landing.to));
    const answers = await sink.exact.settle(letters, landing.place);
    for (const [sequence, answer] of answers ?? []) this.#options.answered(sequence, answer);
    position.landed = landing.to;
    this.#meter.add(letters.length);
  }

  status(): DeliveryStatus {
    const { sink, sender, waiting } = this.#options;
    return {
      sink: sink.name,
      kind: sink.kind,
      waiting: waiting(this.landed),
      landed: this.#meter.total,
      landedPerMinute: this.#meter.perMinute,
      failed: this.#failed,
      holds: sink.holds,
      problem: this.#problem,
      note: sink.note?.(sender),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.#running.idle;
  }
}
