/** Brings a lane's items to the hub, in order, over streams that may break at any moment. */
import { Breather } from "../../common/breather.ts";
import type { Clock, Timer } from "../../common/clock.ts";
import { reasonOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import { unpack } from "../../common/msgpack.ts";
import type { ResetReason, Stream } from "../../common/mux/index.ts";
import {
  ACK,
  ANSWER,
  ack,
  answer,
  HELLO,
  itemMessage,
  MessageReader,
  message,
  OUTBOX_VERSION,
  REFUSED,
  refused,
} from "../../common/outbox/index.ts";
import type { Entry } from "../../common/queue/index.ts";
import type { Random } from "../../common/random.ts";
import { Runs } from "../../common/runs.ts";
import type { Epoch, Lane } from "./lane/index.ts";
import type { Pace } from "./pace.ts";

export interface CourierOptions {
  lane: Lane;
  /** Opens a stream to the hub; undefined while there is none to open it in. */
  open: () => Stream | undefined;
  /** Whether others go first now. */
  waits: () => boolean;
  /** Whoever waits for this one need not any more. */
  idle: () => void;
  /** How fast items may go. */
  pace: Pace;
  clock: Clock;
  random: Random;
  log: Log;
}

/** Items and bytes that are under way without an answer. */
const WINDOW_ITEMS = 256;
const WINDOW_BYTES = 1 << 20;
/** Items that are read at a time. */
const AT_ONCE = 8;
/** ms for which items wait at least that are too fast: less would be a timer for each. */
const SHORTEST_WAIT = 20;
/** ms until a stream is tried again: at first, and at most. Each try doubles it, half of it is random. */
const RETRY = 500;
const LONGEST_RETRY = 60_000;

const FROM_HUB: ReadonlySet<number> = new Set([ACK, REFUSED, ANSWER]);

const REASONS: Partial<Record<ResetReason, string>> = {
  serviceRefused: "the hub takes nothing of this lane",
  sessionLost: "the connection to the hub was lost",
};

/** One stream and what went over it. */
interface Trip {
  stream: Stream;
  epoch: Epoch;
  reader: MessageReader;
  /** The hub has answered: items may go. */
  ready: boolean;
  sent: number;
  /** Sizes of what is under way, by number. */
  flying: Map<number, number>;
  flyingBytes: number;
  blocked: boolean;
  /** Refusals are dealt with in order, and before what follows them is acknowledged. */
  work: Promise<void>;
}

export class Courier {
  readonly #options: CourierOptions;
  #trip: Trip | undefined;
  readonly #pumping = new Runs(() => this.#pump());
  #retry: Timer | undefined;
  #slowed: Timer | undefined;
  #failures = 0;
  #reason: string | undefined;
  #note: string | undefined;
  #stopped = false;

  constructor(options: CourierOptions) {
    this.#options = options;
    options.lane.onChange = () => this.wake();
  }

  /** Something may be sent that could not be before. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#trip) this.#pumping.ask();
    else if (!this.#retry) this.#begin();
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
    this.#slowed?.cancel();
    this.#trip?.stream.reset("cancelled");
    this.#trip = undefined;
  }

  /** Whether it has items that are not under way, and would send them now. */
  get busy(): boolean {
    const trip = this.#trip;
    return trip?.ready === true && this.#hasRoom(trip) && this.#next(trip) !== undefined;
  }

  /** What the hub says of items that it took. */
  get note(): string | undefined {
    return this.#note;
  }

  /** Why items wait, if the hub does not take them. */
  get reason(): string | undefined {
    const underWay = this.#trip?.flying.size ?? 0;
    return this.#reason ?? (underWay > 0 ? `the hub has not confirmed ${underWay} of them yet` : undefined);
  }

  #begin(): void {
    const { lane, open } = this.#options;
    const epoch = lane.front;
    if (!epoch) return;
    const stream = open();
    if (!stream) {
      this.#reason = "there is no connection to the hub";
      this.#tryAgain(RETRY);
      return;
    }
    const trip: Trip = {
      stream,
      epoch,
      reader: new MessageReader(FROM_HUB),
      ready: false,
      sent: 0,
      flying: new Map(),
      flyingBytes: 0,
      blocked: false,
      work: Promise.resolve(),
    };
    this.#trip = trip;
    stream.attach({
      data: (chunk) => {
        stream.consumed(chunk.length);
        try {
          for (const { type, body } of trip.reader.read(chunk)) this.#onMessage(trip, type, body);
        } catch (error) {
          stream.reset("internal");
          this.#lose(trip, reasonOf(error));
        }
      },
      end: () => {
        stream.reset("cancelled");
        this.#lose(trip, "the hub ended the stream");
      },
      drain: () => {
        trip.blocked = false;
        this.#pumping.ask();
      },
      reset: (reason) => this.#lose(trip, REASONS[reason] ?? `the hub reset the stream (${reason})`),
    });
    const first = epoch.queue.first?.number ?? 0;
    stream.write(message(HELLO, { version: OUTBOX_VERSION, lane: lane.name, epoch: epoch.id, first }));
  }

  #onMessage(trip: Trip, type: number, body: Buffer): void {
    const { lane } = this.#options;
    if (type === REFUSED) {
      const { number, reason } = unpack(refused, body, "the hub's refusal");
      this.#then(trip, () => lane.refuse(trip.epoch, number, reason));
      return;
    }
    if (type === ANSWER) {
      const { number, answer: said } = unpack(answer, body, "the hub's answer");
      this.#then(trip, () => lane.answer(trip.epoch, number, said));
      return;
    }
    const { number, note } = unpack(ack, body, "the hub's acknowledgement");
    if (note !== undefined && note !== this.#note) {
      this.#options.log.warn("the hub does not take everything", { lane: lane.name, reason: note });
    }
    this.#note = note;
    this.#failures = 0;
    this.#reason = undefined;
    if (!trip.ready) trip.sent = number;
    trip.ready = true;
    for (const [sent, size] of trip.flying) {
      if (sent > number) break;
      trip.flying.delete(sent);
      trip.flyingBytes -= size;
    }
    this.#then(trip, () => lane.acknowledge(trip.epoch, number));
    this.#pumping.ask();
  }

  /** Does something after what the hub said before; what fails is said again by the hub on the next stream. */
  #then(trip: Trip, work: () => Promise<void> | void): void {
    trip.work = trip.work.then(work);
    trip.work.catch((error: unknown) => {
      trip.stream.reset("cancelled");
      this.#lose(trip, reasonOf(error));
    });
  }

  /** Whether another one may go behind so many that are about to. */
  #hasRoom(trip: Trip, items = 0, bytes = 0): boolean {
    if (trip.blocked) return false;
    const [flying, flyingBytes] = [trip.flying.size + items, trip.flyingBytes + bytes];
    return flying === 0 || (flying < WINDOW_ITEMS && flyingBytes < WINDOW_BYTES);
  }

  #next(trip: Trip): Entry | undefined {
    return trip.epoch.queue.behind(trip.sent);
  }

  /** Sends as long as there are items, and room for them. */
  async #pump(): Promise<void> {
    const trip = this.#trip;
    if (!trip?.ready) return;
    const breather = new Breather(this.#options.clock);
    try {
      for (;;) {
        const entries = this.#options.waits() ? [] : this.#some(trip);
        const last = entries.at(-1);
        if (!last) break;
        trip.epoch.underWay = last.number;
        const items = await trip.epoch.queue.readSome(entries);
        for (const [at, { number }] of entries.entries()) {
          if (trip !== this.#trip) return;
          trip.sent = number;
          const item = items[at];
          if (!item) continue;
          const { key, kind, time } = item.meta;
          trip.flying.set(number, item.body.length);
          trip.flyingBytes += item.body.length;
          trip.blocked = !trip.stream.write(itemMessage({ number, key, kind, time }, item.body));
          await breather.breathe();
        }
      }
    } catch (error) {
      // an item that was given up meanwhile, or a disk that does not read
      trip.stream.reset("internal");
      this.#lose(trip, `the outbox cannot be read: ${reasonOf(error)}`);
      return;
    }
    this.#turnPage(trip);
    if (!this.busy) this.#options.idle();
  }

  /** The next few that may go now. They count as gone. */
  #some(trip: Trip): Entry[] {
    const some: Entry[] = [];
    let bytes = 0;
    let next = this.#next(trip);
    while (next && some.length < AT_ONCE && this.#hasRoom(trip, some.length, bytes) && !this.#tooFast()) {
      some.push(next);
      bytes += next.size;
      this.#options.pace.spend(next.size);
      next = trip.epoch.queue.behind(next.number);
    }
    return some;
  }

  /** Whether the next item has to wait; then it goes on by itself. */
  #tooFast(): boolean {
    const { pace, clock } = this.#options;
    const { wait } = pace;
    if (wait > 0)
      this.#slowed ??= clock.after(Math.max(SHORTEST_WAIT, wait), () => {
        this.#slowed = undefined;
        this.#pumping.ask();
      });
    return wait > 0;
  }

  /** Goes on with the next epoch when this one is done. */
  #turnPage(trip: Trip): void {
    if (trip.epoch.queue.length > 0) return;
    const { front } = this.#options.lane;
    if (!front || front === trip.epoch) return;
    this.#trip = undefined;
    trip.stream.reset("cancelled");
    this.#begin();
  }

  #lose(trip: Trip, reason: string): void {
    if (trip !== this.#trip) return;
    this.#trip = undefined;
    trip.epoch.underWay = 0;
    if (this.#stopped) return;
    if (this.#reason === undefined) {
      this.#options.log.debug("the outbox waits", { lane: this.#options.lane.name, reason });
    }
    this.#reason = reason;
    this.#tryAgain(Math.min(LONGEST_RETRY, RETRY * 2 ** Math.min(this.#failures++, 16)));
  }

  #tryAgain(ms: number): void {
    const { clock, random } = this.#options;
    this.#retry = clock.after(ms * (0.5 + random.unit() / 2), () => {
      this.#retry = undefined;
      this.wake();
    });
  }
}
