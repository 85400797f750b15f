import { expect, test } from "vitest";
import { coreReader } from "../../../agent/outbox/dumps/core.ts";
import { DumpSource } from "../../../agent/outbox/dumps/index.ts";
import type { Lane } from "../../../agent/outbox/lane/index.ts";
import { FakeClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import { type DumpBody, MAX_DUMP, Opener } from "../../../common/outbox/index.ts";
import { Dice, settle } from "../mux/rig.ts";
import { HUB, openLane } from "../outbox/rig.ts";

const MINUTE = 60_000;
const opener = new Opener(() => [HUB]);

/** A core with hosts and services, a source that asks it, and a lane that a test empties. */
class Stage {
  readonly clock = new FakeClock();
  readonly log = new MemoryLog();
  hosts = new Map([["web", "up"]]);
  services = new Map([["web/Load", "ok"]]);
  failure: string | undefined;
  readonly source = new DumpSource({
    reader: coreReader(async (query) => {
      if (this.failure !== undefined) throw new Error(this.failure);
      if (query.startsWith("GET hosts"))
        return [...this.hosts].map(([name, output]) => [name, 0, output, "", "", name, "::1"]);
      return [...this.services].map(([name, output]) => [...name.split("/"), 0, output, "l1\\nl2", "v=1"]);
    }),
    interval: MINUTE,
    everything: 60 * MINUTE,
    clock: this.clock,
    random: new Dice(5),
    log: this.log,
  });
  lane!: Lane;

  async start(): Promise<this> {
    const { source, clock, log } = this;
    const limits = { items: 1, bytes: 1 << 26, age: Number.POSITIVE_INFINITY };
    this.lane = await openLane({ name: "status", limits, full: "oldest", source, clock, log });
    source.start(this.lane);
    await this.rest();
    return this;
  }

  async rest(): Promise<void> {
    for (let i = 0; i < 30; i++) await settle();
  }

  async minute(): Promise<void> {
    this.clock.advance(MINUTE);
    await this.rest();
  }

  /** What is queued now. */
  async waiting(): Promise<DumpBody[]> {
    const bodies: DumpBody[] = [];
    const queue = this.lane.front?.queue;
    for (const entry of queue?.entries() ?? []) {
      bodies.push(JSON.parse(String(opener.open((await queue!.read(entry))!.body, MAX_DUMP))) as DumpBody);
    }
    return bodies;
  }

  /** The hub takes what is in front. */
  async land(): Promise<DumpBody> {
    const [body] = await this.waiting();
    const front = this.lane.front!;
    this.lane.acknowledge(front, front.queue.first!.number);
    await this.rest();
    return body!;
  }
}

test("the first dump has everything, the next only what has changed, with what is gone", async () => {
  const stage = await new Stage().start();
  expect(await stage.land()).toEqual({
    version: 1,
    reset: true,
    complete: true,
    hosts: [["web", 0, "up", "", "", "web", "::1"]],
    services: [["web", "Load", 0, "ok", "l1\nl2", "v=1"]],
    gone: [],
  });
  stage.services = new Map([["web/Memory", "ok"]]);
  await stage.minute();
  expect(await stage.land()).toMatchObject({
    reset: false,
    hosts: [],
    services: [["web", "Memory", 0, "ok", "l1\nl2", "v=1"]],
    gone: [["web", "Load"]],
  });
  await stage.minute();
  expect(await stage.land()).toMatchObject({ reset: false, hosts: [], services: [], gone: [] });
});

test("a dump that was not sent gives way to a newer one, and after that everything is told", async () => {
  const stage = await new Stage().start();
  await stage.land();
  stage.hosts.set("web", "one");
  await stage.minute();
  stage.hosts.set("db", "two");
  await stage.minute();
  const waiting = await stage.waiting();
  expect(waiting.map(({ reset, hosts }) => [reset, hosts.map(([name]) => name)])).toEqual([
    [false, ["web", "db"]],
  ]);
  await stage.land();
  await stage.minute();
  expect((await stage.waiting())[0]).toMatchObject({ reset: true });
});

test("while one is under way none is made; as soon as it has landed there is one that was due", async () => {
  const stage = await new Stage().start();
  stage.lane.front!.underWay = 1;
  stage.hosts.set("web", "one");
  await stage.minute();
  await stage.minute();
  expect(await stage.waiting()).toHaveLength(1);
  await stage.land();
  expect((await stage.waiting()).map(({ reset, hosts }) => [reset, hosts.length])).toEqual([[false, 1]]);
});

test("one that is too long goes in parts, the next as soon as the one before has landed", async () => {
  const stage = new Stage();
  stage.hosts = new Map(Array.from({ length: 900 }, (_, n) => [`h${n}`, "x".repeat(5000)]));
  await stage.start();
  const seen = new Set<string>();
  const parts: boolean[][] = [];
  while ((await stage.waiting()).length > 0) {
    const { reset, complete, hosts } = await stage.land();
    parts.push([reset, complete]);
    for (const [name] of hosts) seen.add(name);
  }
  expect(parts).toEqual([
    [true, false],
    [false, false],
    [false, true],
  ]);
  expect(seen.size).toBe(900);
});

test("everything is told anew after an hour, and when the hub refused a dump", async () => {
  const stage = await new Stage().start();
  await stage.land();
  await stage.minute();
  const front = stage.lane.front!;
  await stage.lane.refuse(front, front.queue.first!.number, "a dump that has everything is wanted first");
  await stage.minute();
  expect((await stage.land()).reset).toBe(true);
  for (let minute = 1; minute < 60; minute++) {
    await stage.minute();
    expect((await stage.land()).reset, `minute ${minute}`).toBe(false);
  }
  await stage.minute();
  expect((await stage.land()).reset).toBe(true);
});

test("a core that does not answer, or not as it should, is said, and dumps go on when it does", async () => {
  const stage = await new Stage().start();
  await stage.land();
  stage.failure = "the core did not answer within 30 s";
  await stage.minute();
  expect([stage.source.status().problem, await stage.waiting()]).toEqual([stage.failure, []]);
  stage.failure = undefined;
  await stage.minute();
  expect(stage.source.status()).toMatchObject({
    dumps: 2,
    full: 1,
    objects: 2,
    changed: 0,
    problem: undefined,
  });
});

test("a name that no dump has room for is left out and said once, and keeps nothing else back", async () => {
  const stage = new Stage();
  stage.hosts.set("y".repeat(3 << 20), "up").set("db", "up");
  await stage.start();
  const { hosts, complete } = await stage.land();
  expect([hosts.map(([name]) => name), complete]).toEqual([["web", "db"], true]);
  await stage.minute();
  const reason = "a name has more than 255 characters";
  expect(stage.source.status()).toMatchObject({ refused: 1, refusal: reason, problem: undefined });
  expect(stage.log.lines.filter(({ level }) => level === "warning")).toMatchObject([
    { message: "hosts or services cannot be read and are left out", fields: { refused: 1, reason } },
  ]);
});
