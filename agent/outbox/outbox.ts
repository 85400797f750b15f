/** A site's outbox: its lanes, the first of which goes before the others, and how they are. */
import type { Clock, Timer } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import type { Stream } from "../../common/mux/index.ts";
import type { Random } from "../../common/random.ts";
import { Courier } from "./courier.ts";
import type { Lane, LaneStatus } from "./lane/index.ts";
import { Pace, type PaceLimits } from "./pace.ts";

export interface OutboxOptions {
  /** In the order in which they go. */
  lanes: readonly Lane[];
  pace: PaceLimits;
  open: () => Stream | undefined;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface OutboxLane extends LaneStatus {
  /** Why its items wait, if the hub does not take them. */
  waits: string | undefined;
  /** What the hub says of items that it took: that something in them counts for nothing there. */
  note: string | undefined;
}

/** ms between two looks for what has become too old. */
const EXPIRY = 60_000;

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #couriers: Courier[];
  #expiry: Timer | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const { lanes, open, clock, random, log } = options;
    const pace = new Pace(clock, options.pace);
    this.#couriers = lanes.map(
      (lane, place) =>
        new Courier({
          lane,
          open,
          waits: () => this.#couriers.slice(0, place).some(({ busy }) => busy),
          idle: () => {
            for (const courier of this.#couriers.slice(place + 1)) courier.wake();
          },
          pace,
          clock,
          random,
          log,
        }),
    );
  }

  start(): void {
    for (const courier of this.#couriers) courier.wake();
    this.#expire();
  }

  #expire(): void {
    const { lanes, clock } = this.#options;
    this.#expiry = clock.after(EXPIRY, () => this.#expire());
    for (const lane of lanes) lane.expire();
  }

  status(): OutboxLane[] {
    return this.#options.lanes.map((lane, place) => ({
      ...lane.status(),
      waits: lane.length > 0 ? this.#couriers[place]?.reason : undefined,
      note: this.#couriers[place]?.note,
    }));
  }

  async stop(): Promise<void> {
    this.#expiry?.cancel();
    for (const courier of this.#couriers) courier.stop();
    await Promise.all(this.#options.lanes.map((lane) => lane.close()));
  }
}
