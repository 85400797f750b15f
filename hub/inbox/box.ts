/**
 * What the hub has of one lane of one site, from its arrival to its last sink.
 *
 * A letter goes through these steps, each of which is on disk before the next begins:
 *
 *   1. it is in the queue (common/queue)
 *   2. for each exact sink: it is staged there; the state file says that it is about to land; it lands
 *   3. the agent is told
 *   4. the other sinks have it; it leaves the queue
 *
 * After a crash in 2, what is staged and was about to land lands now; what is not staged any more has landed. So
 * nothing lands twice, even where whoever reads the sink has taken it away.
 */
import { Breather } from "../../common/breather.ts";
import type { Timer } from "../../common/clock.ts";
import { reasonOf } from "../../common/errors.ts";
import { Meter } from "../../common/meter.ts";
import { type ItemHead, MAX_NOTE, MAX_REFUSAL } from "../../common/outbox/index.ts";
import type { Random } from "../../common/random.ts";
import { Runs } from "../../common/runs.ts";
import { printable } from "../../common/text.ts";
import { Delivery, type DeliveryStatus } from "./delivery.ts";
import { type Arrival, type Found, Letters, type LettersOptions } from "./letters.ts";
import type { Sink } from "./sink/index.ts";
import { BoxState } from "./state.ts";

export interface BoxLimits {
  /** Letters that wait for sinks, and bytes of them; then no more are taken. */
  items: number;
  bytes: number;
  /** Letters a second, in the long run. */
  perSecond: number;
}

export interface BoxOptions extends LettersOptions {
  sinks: readonly Sink[];
  limits: BoxLimits;
  random: Random;
  /** A letter was refused. */
  refused: (reason: string) => void;
}

/** Who hears what becomes of letters: the stream on which they came. */
export interface Listener {
  /** @param note what else the site should know, for people */
  acknowledge(number: number, note: string | undefined): void;
  refuse(number: number, reason: string): void;
  answer(number: number, answer: Uint8Array): void;
  /** There is room again for what was held back. */
  room(): void;
  /** Another stream took its place. */
  replaced(): void;
}

export interface BoxStatus {
  lane: string;
  /** Letters, and bytes, that some sink does not have yet. */
  waiting: number;
  bytes: number;
  /** When the oldest of them came to be, by the agent's clock. */
  oldest: string | undefined;
  /** ms for which the first of them has been the first; missing when there is none. */
  stuck?: number;
  /** Since the hub's start. */
  received: number;
  receivedPerMinute: number;
  refused: number;
  damaged: number;
  /** Why nothing more is taken. */
  problem: string | undefined;
  /** What the site was told beside that. */
  note?: string | undefined;
  sinks: DeliveryStatus[];
}

type Verdict = "take" | { reason: string };

/** Arrivals and bytes of them that wait to be written; then the stream is held back. */
const MOST_ARRIVALS = 128;
const MOST_ARRIVING = 2 << 20;
/** Letters that are written together. */
const BATCH = 64;
/** Bytes of bodies, unpacked, that are looked at before anything else gets its turn; and a second, in the long run: little
    that is sent may unpack into much, and the hub has other sites to serve. */
const MOST_OPENED = 8 << 20;
const OPENED_PER_SECOND = 32 << 20;
/** ms until the disk is tried again. */
const RETRY = 1_000;

export class Box {
  readonly #options: BoxOptions;
  readonly #state: BoxState;
  readonly #letters: Letters;
  readonly #deliveries: Delivery[];
  readonly #arrivals: Arrival[] = [];
  #arriving = 0;
  /** Bytes that were unpacked for those that were taken last. */
  #opened = 0;
  /** What is received and not acknowledged, in order: a refused one is done with the letter before it. */
  readonly #unsaid: Found[] = [];
  /** Those of them that are refused, which was not said yet: nothing that acknowledges them may go before that. */
  readonly #refusing: (Found & { reason: string })[] = [];
  /** What sinks say to letters that are not acknowledged yet, by sequence number. */
  readonly #answers = new Map<number, Uint8Array>();
  #listener: { epoch: string; to: Listener } | undefined;
  readonly #taking = new Runs(() => this.#takeAll());
  readonly #sweeping = new Runs(() => this.#sweepAll());
  #retry: Timer | undefined;
  #problem: string | undefined;
  #closed = false;
  readonly #received: Meter;
  #refused = 0;
  /** When another letter became the first. */
  #moved: number;

  private constructor(options: BoxOptions, state: BoxState, letters: Letters) {
    this.#options = options;
    this.#state = state;
    this.#letters = letters;
    this.#moved = options.clock.now();
    this.#received = new Meter(options.clock);
    const { clock, random, log } = options;
    this.#deliveries = options.sinks.map(
      (sink) =>
        new Delivery({
          sink,
          sender: options.sender,
          position: state.sink(sink.name),
          save: () => state.save(),
          pending: (after, most, upTo) => letters.after(after, most, upTo),
          waiting: (after) => letters.behind(after),
          failed: (letter, reason) => letters.keepFailed(sink.name, letter, reason),
          answered: (sequence, answer) => this.#answer(sequence, answer),
          landed: () => this.#onLanded(),
          clock,
          random,
          log: log.with({ sink: sink.name }),
        }),
    );
  }

  static async open(options: BoxOptions): Promise<Box> {
    const { disk, directory, log } = options;
    await disk.ensure(directory);
    const state = await BoxState.open(disk, directory, (reason) =>
      log.error("an inbox's state is damaged; letters may land twice", { directory, reason }),
    );
    const found: Found[] = [];
    const letters = await Letters.open(options, state.given, (letter) => {
      state.receive(letter.epoch, letter.number, letter.sequence);
      found.push(letter);
    });
    const box = new Box(options, state, letters);
    const landed = box.#landedExactly;
    for (const letter of found) if (letter.sequence > landed) box.#unsaid.push(letter);
    for (const delivery of box.#deliveries) delivery.wake();
    box.#sweeping.ask();
    return box;
  }

  /** Takes a new stream of an epoch, and says what the agent need not send. */
  attach(epoch: string, first: number, to: Listener): void {
    this.#listener?.to.replaced();
    this.#listener = { epoch, to };
    for (const { number, reason } of this.#state.refusals(epoch, first)) to.refuse(number, reason);
    const unsaid = this.#unsaid.find((each) => each.epoch === epoch);
    to.acknowledge(unsaid ? unsaid.number - 1 : this.#state.received(epoch), this.#note);
  }

  detach(to: Listener): void {
    if (this.#listener?.to === to) this.#listener = undefined;
  }

  /** Whether the stream should be held back. */
  get full(): boolean {
    return this.#arrivals.length >= MOST_ARRIVALS || this.#arriving >= MOST_ARRIVING;
  }

  /** Takes an item of the stream that is attached. */
  receive(epoch: string, head: ItemHead, sealed: Buffer): void {
    this.#arrivals.push({ epoch, head, sealed });
    this.#arriving += sealed.length;
    this.#taking.ask();
  }

  async #takeAll(): Promise<void> {
    const { clock, limits } = this.#options;
    if (this.#retry) return;
    try {
      while (this.#arrivals.length > 0 && !this.#closed) {
        if (this.#letters.length >= limits.items || this.#letters.bytes >= limits.bytes) {
          this.#problem = `${this.#letters.length} letters wait for a sink`;
          return;
        }
        const began = clock.now();
        const taken = await this.#takeSome();
        this.#problem = undefined;
        if (!this.full) this.#listener?.to.room();
        const seconds = Math.max(taken / limits.perSecond, this.#opened / OPENED_PER_SECOND);
        const pause = seconds * 1000 - (clock.now() - began);
        if (pause >= 1) await this.#pause(pause);
      }
    } catch (error) {
      const problem = `the inbox cannot be written: ${reasonOf(error)}`;
      if (this.#problem !== problem) this.#options.log.error(problem);
      this.#problem = problem;
      this.#retry = clock.after(RETRY, () => {
        this.#retry = undefined;
        this.#taking.ask();
      });
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((done) => this.#options.clock.after(ms, done));
  }

  /** Takes the arrivals in front; throws what the disk says, with those it did not take still there. */
  async #takeSome(): Promise<number> {
    if (this.#letters.length === 0) this.#moved = this.#options.clock.now();
    const seen = new Map<string, number>();
    const batch: Arrival[] = [];
    const outcomes: ("known" | Verdict)[] = [];
    const breather = new Breather(this.#options.clock);
    this.#opened = 0;
    for (const arrival of this.#arrivals.slice(0, BATCH)) {
      if (this.#opened >= MOST_OPENED) break;
      const { epoch, head } = arrival;
      const received = seen.get(epoch) ?? this.#state.received(epoch);
      batch.push(arrival);
      if (head.number <= received) outcomes.push("known");
      else {
        seen.set(epoch, head.number);
        outcomes.push(this.#judge(arrival));
        await breather.breathe();
      }
    }
    const queued = await Promise.allSettled(
      outcomes.map((outcome, index) =>
        outcome === "take" ? this.#letters.append(batch[index] as Arrival) : undefined,
      ),
    );
    let taken = 0;
    let failure: unknown;
    for (const [index, result] of queued.entries()) {
      if (result.status === "rejected") {
        failure = result.reason;
        break;
      }
      const { epoch, head } = batch[index] as Arrival;
      const outcome = outcomes[index] ?? "known";
      taken++;
      if (outcome === "known") continue;
      const sequence = result.value ?? this.#unsaid.at(-1)?.sequence ?? 0;
      this.#state.receive(epoch, head.number, sequence);
      const letter: Found = { epoch, number: head.number, sequence };
      this.#unsaid.push(letter);
      if (outcome === "take") this.#received.add();
      else {
        this.#state.refuse(epoch, head.number, outcome.reason);
        this.#refusing.push(Object.assign(letter, { reason: outcome.reason }));
      }
    }
    // a refusal must not be forgotten once what follows it is acknowledged
    if (this.#refusing.length > 0) await this.#state.save().catch((error: unknown) => this.#hangUp(error));
    for (const { sealed } of this.#arrivals.splice(0, taken)) this.#arriving -= sealed.length;
    for (const { epoch, number, reason } of this.#refusing.splice(0)) {
      this.#refused++;
      this.#options.refused(reason);
      if (this.#listener?.epoch === epoch) this.#listener.to.refuse(number, reason);
    }
    for (const delivery of this.#deliveries) delivery.wake();
    this.#acknowledge();
    if (failure !== undefined) throw failure;
    return taken;
  }

  /** Lets the stream go, so that the agent asks anew what became of its items. */
  #hangUp(error: unknown): never {
    this.#listener?.to.replaced();
    this.#listener = undefined;
    throw error;
  }

  #judge(arrival: Arrival): Verdict {
    const before = this.#opened;
    // as much as it may be, until it is known
    this.#opened += this.#options.lane.longest;
    try {
      this.#letters.check(arrival, (bytes) => {
        this.#opened = before + bytes;
      });
      return "take";
    } catch (error) {
      return { reason: printable(reasonOf(error), MAX_REFUSAL) };
    }
  }

  /** Up to which sequence number everything has landed where that counts for the agent. */
  get #landedExactly(): number {
    const exact = this.#deliveries.filter(({ exact }) => exact).map(({ landed }) => landed);
    return exact.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...exact);
  }

  #acknowledge(): void {
    const landed = this.#landedExactly;
    const [unsure] = this.#refusing;
    const done = this.#unsaid.findIndex((letter) => letter.sequence > landed || letter === unsure);
    const said = this.#unsaid.splice(0, done === -1 ? this.#unsaid.length : done);
    for (const { epoch, number, sequence } of said) {
      const answer = this.#answers.get(sequence);
      if (!answer) continue;
      this.#answers.delete(sequence);
      if (epoch === this.#listener?.epoch) this.#listener.to.answer(number, answer);
    }
    const last = said.findLast(({ epoch }) => epoch === this.#listener?.epoch);
    if (last) this.#listener?.to.acknowledge(last.number, this.#note);
  }

  /** What one of several sinks wants is wanted: each bit that any of them sets. */
  #answer(sequence: number, answer: Uint8Array): void {
    const other = this.#answers.get(sequence);
    this.#answers.set(sequence, other ? answer.map((byte, at) => byte | (other[at] ?? 0)) : answer);
  }

  #onLanded(): void {
    this.#acknowledge();
    this.#sweeping.ask();
  }

  /** Removes what all sinks have. */
  async #sweepAll(): Promise<void> {
    if (this.#deliveries.length === 0) return;
    try {
      while (!this.#closed) {
        const landed = Math.min(...this.#deliveries.map((each) => each.landed));
        // what left the queue is known from the state alone
        if (!(await this.#letters.removeSome(landed, () => this.#state.save()))) return;
        this.#moved = this.#options.clock.now();
        // where there was no room before
        this.#taking.ask();
      }
    } catch (error) {
      // whatever lands next tries it again
      this.#options.log.error("the inbox cannot be tidied", { reason: reasonOf(error) });
    }
  }

  /** What the site should know though its letters were taken. */
  get #note(): string | undefined {
    const { lane, sender, sinks } = this.#options;
    const notes = [lane.note?.(sender), ...sinks.map((sink) => sink.note?.(sender))];
    const text = notes.filter((note) => note !== undefined).join("; ");
    return text === "" ? undefined : printable(text, MAX_NOTE);
  }

  status(): BoxStatus {
    const stuck = this.#letters.length > 0 ? this.#options.clock.now() - this.#moved : undefined;
    return {
      lane: this.#options.lane.name,
      waiting: this.#letters.length,
      bytes: this.#letters.bytes,
      oldest: this.#letters.oldest?.toISOString(),
      ...(stuck !== undefined && { stuck }),
      received: this.#received.total,
      receivedPerMinute: this.#received.perMinute,
      refused: this.#refused,
      damaged: this.#letters.damaged,
      problem: this.#problem,
      note: this.#options.lane.note?.(this.#options.sender),
      sinks: this.#deliveries.map((delivery) => delivery.status()),
    };
  }

  /** Takes back from sinks what is there of letters that have not landed, once it is closed: the site is gone. */
  async withdraw(): Promise<void> {
    for await (const ids of this.#letters.ids()) {
      for (const sink of this.#options.sinks) await sink.withdraw?.(ids);
    }
  }

  /** Nothing more is taken or delivered; what is under way comes to its end. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    this.#listener?.to.replaced();
    this.#listener = undefined;
    await Promise.all([
      this.#taking.idle,
      this.#sweeping.idle,
      ...this.#deliveries.map((delivery) => delivery.close()),
    ]);
  }
}
