/** An outbox and an inbox in memory, with disks that can fail, and a line between them that can break. */

import { Courier } from "../../../agent/outbox/courier.ts";
import { type ItemMeta, Lane, type LaneOptions, type Source } from "../../../agent/outbox/lane/index.ts";
import { Pace, type PaceLimits } from "../../../agent/outbox/pace.ts";
import { FakeClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import { BULK } from "../../../common/mux/index.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { Opener, OUTBOX, Sealer } from "../../../common/outbox/index.ts";
import { Box, type BoxOptions } from "../../../hub/inbox/box.ts";
import { Receiver } from "../../../hub/inbox/receiver.ts";
import { type Sink, SpoolSink } from "../../../hub/inbox/sink/index.ts";
import { Dice, muxPair, type Pair } from "../mux/rig.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";

export const HUB = KeyPair.identity(new Dice(7));
export const SPOOL = "/central/spool";

/** A source that only notes what it hears. */
export class NotingSource implements Source {
  readonly landedItems: string[] = [];
  readonly failedItems: string[] = [];
  readonly queuedItems: string[] = [];
  /** What `landed` does besides. */
  onLanded: () => void = () => {};

  queued({ source }: ItemMeta): void {
    this.queuedItems.push(source);
  }

  async landed(items: readonly ItemMeta[]): Promise<void> {
    this.onLanded();
    this.landedItems.push(...items.map(({ source }) => source));
  }

  async failed({ source }: ItemMeta, reason: string): Promise<void> {
    this.failedItems.push(`${source}: ${reason}`);
  }
}

export function openLane(changes: Partial<LaneOptions> = {}): Promise<Lane> {
  return Lane.open({
    name: "notify",
    disk: new MemoryDisk(),
    directory: "/outbox/notify",
    sealer: new Sealer(() => HUB.publicKey.bytes, new Dice(1)),
    limits: { items: 100, bytes: 1 << 20, age: Number.POSITIVE_INFINITY },
    full: "refuse",
    source: new NotingSource(),
    clock: new FakeClock(),
    random: new Dice(2),
    log: new MemoryLog(),
    ...changes,
  });
}

export function itemMeta(source: string, time = 0): ItemMeta {
  return { key: Buffer.alloc(16, source), kind: "notification", time, source };
}

export function put(lane: Lane, ...sources: string[]): Promise<unknown> {
  return Promise.all(sources.map((source) => lane.append(itemMeta(source), lane.seal(Buffer.from(source)))));
}

/** The sources of what is queued, the oldest first. */
export async function sourcesOf(lane: Lane): Promise<string[]> {
  const { front } = lane;
  const metas = front ? await front.queue.metas([...front.queue.entries()]) : [];
  return metas.map(({ source }) => source);
}

export function spoolSink(disk: MemoryDisk, name = "central"): Sink {
  return new SpoolSink({ name, folder: SPOOL, disk, contents: ({ body }) => body, clock: new FakeClock() });
}

export async function openBox(disk: MemoryDisk, changes: Partial<BoxOptions> = {}): Promise<Box> {
  await disk.ensure(SPOOL);
  return Box.open({
    sender: { tenant: "acme", site: "main" },
    lane: { name: "notify", longest: 1 << 20, check: () => {} },
    sinks: [spoolSink(disk)],
    disk,
    directory: "/inbox/acme/main/notify",
    opener: new Opener(() => [HUB]),
    limits: { items: 100, bytes: 1 << 20, perSecond: 1e9 },
    clock: new FakeClock(),
    random: new Dice(3),
    log: new MemoryLog(),
    refused: () => {},
    ...changes,
  });
}

export interface Line {
  pair: Pair;
  courier: Courier;
}

export interface JoinOptions {
  waits?: () => boolean;
  pace?: PaceLimits;
}

/** Joins a lane and a box by a session of their own; the courier is not started. */
export function join(
  lane: Lane,
  box: (lane: string) => Promise<Box | undefined>,
  { waits = () => false, pace = { itemsPerSecond: 1e9, bytesPerSecond: undefined } }: JoinOptions = {},
): Line {
  const log = new MemoryLog();
  const pair = muxPair({ hub: { accept: ({ stream }) => void new Receiver({ stream, box, log }) } });
  const courier = new Courier({
    lane,
    open: () => pair.agent.mux.open(OUTBOX, BULK),
    waits,
    idle: () => {},
    pace: new Pace(pair.clock, pace),
    clock: pair.clock,
    random: new Dice(4),
    log,
  });
  return { pair, courier };
}
