/** A thousand agents of one hub. */
import { expect, test } from "vitest";
import { Services } from "../../../agent/service/index.ts";
import { Connector } from "../../../agent/tunnel/connector.ts";
import { memoryPair } from "../../../common/carrier/memory.ts";
import { FakeClock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { MemoryLog } from "../../../common/log.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { type Random, systemRandom } from "../../../common/random.ts";
import type { Registry, Site } from "../../../hub/registry/index.ts";
import { Probing, TunnelledSites, welcome } from "../../../hub/tunnel/index.ts";
import { pass, SECOND, settle, until } from "../handshake/rig.ts";
import { Dice } from "../session/rig.ts";
import { fixedKeys, oneKind } from "./rig.ts";

const COUNT = 1_000;

interface Crowd {
  clock: FakeClock;
  sites: TunnelledSites;
  hub: { down: boolean };
  /** When each of them dialled since the hub was last lost, ms after that. */
  tries: number[][];
  /** Cuts every carrier. */
  cut(): void;
  /** Begins to count tries from now. */
  mark(): void;
  stop(): Promise<void>;
}

/** As many agents, each of a site of its own and connected, and one hub without a database. */
async function crowd(): Promise<Crowd> {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const identity = KeyPair.identity(systemRandom);
  const known = new Map<string, Site>();
  const registry = {
    siteOfKey: async (key: Uint8Array) => known.get(Buffer.from(key).toString("hex")),
    seen: async () => {},
  } as unknown as Registry;
  const limits = { deadAfter: 1e9, grace: 1e9 };
  const sites = new TunnelledSites({
    clock,
    random: systemRandom,
    log,
    defer: queueMicrotask,
    session: limits,
    maxStreams: 16,
    hold: 0,
    lost: () => {},
    changed: () => {},
  });
  const hub = { down: false };
  const tries: number[][] = [];
  const carriers = new Set<{ cut(reason: string): void }>();
  let marked = 0;
  const connectors = Array.from({ length: COUNT }, (_, n) => {
    const own = KeyPair.identity(systemRandom);
    const site = { id: n, tenant: "acme", name: `s${n}`, address: "", enabled: true, services: [] };
    const key = Buffer.from(own.publicKey.bytes).toString("hex");
    known.set(key, { ...site, lastSeen: undefined, key, host: undefined });
    const dice = new Dice(n);
    const random: Random = { bytes: systemRandom.bytes, unit: () => dice.unit() };
    tries.push([]);
    return new Connector({
      enrolled: { url: "wss://hub.example", tenant: "acme", site: site.name },
      keys: fixedKeys(own, identity.publicKey.bytes),
      urls: ["wss://hub.example"],
      core: () => undefined,
      services: new Services({
        targets: new Map(),
        dial: () => {
          throw new Error("nothing is to be reached");
        },
        clock,
        connectTimeout: SECOND,
        log,
      }),
      carriers: oneKind(async () => {
        tries[n]?.push(clock.now() - marked);
        if (hub.down) throw new FarsiteError("E_HUB_UNREACHABLE", "down");
        const [near, far] = memoryPair();
        carriers.add(near);
        const timeout = 10 * SECOND;
        const probing = new Probing({ clock, timeout });
        const [keys, agentKeys] = [{ accepted: [identity] }, { arrived: registry.siteOfKey }];
        const deps = { keys, agentKeys, registry, sites, probing, clock, log, random: systemRandom, timeout };
        void welcome(far, { ...deps, enrolment: undefined as never, refused: () => {}, enrolled: () => {} });
        return near;
      }, clock),
      clock,
      random,
      log,
      defer: queueMicrotask,
      session: limits,
      maxStreams: 16,
      timeout: 10 * SECOND,
      route: () => ({ kind: "direct" }),
      maxAge: undefined,
      network: () => "",
    });
  });
  const running = connectors.map((connector) => connector.run());
  await until(() => sites.connected().length === COUNT);
  return {
    clock,
    sites,
    hub,
    tries,
    cut() {
      for (const carrier of carriers) carrier.cut("the hub is gone");
      carriers.clear();
    },
    mark() {
      marked = clock.now();
      for (const each of tries) each.length = 0;
    },
    async stop() {
      for (const connector of connectors) connector.stop();
      await Promise.all(running);
    },
  };
}

/** The most of `times` within any window of `width` ms. */
function densest(times: number[], width: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  let [most, first] = [0, 0];
  for (const [last, time] of sorted.entries()) {
    while (time - (sorted[first] as number) >= width) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

const nth = (tries: number[][], n: number) => tries.map((each) => each[n]).filter((at) => at !== undefined);

test("a hub that stops is left alone for as long as it asks, and they come back over as long again", {
  timeout: 60_000,
}, async () => {
  const { clock, sites, tries, mark, stop } = await crowd();
  mark();
  sites.endAll(new FarsiteError("E_SESSION_LOST", "the hub stops"), 2 * SECOND);
  await settle();
  await pass(clock, 4 * SECOND, 10);
  const first = nth(tries, 0);
  expect(first).toHaveLength(COUNT);
  expect(Math.min(...first)).toBeGreaterThanOrEqual(2 * SECOND);
  expect(Math.max(...first)).toBeLessThanOrEqual(4 * SECOND);
  // evenly they would be 50 in 100 ms; the odds of twice as many are below one in a million
  expect(densest(first, 100)).toBeLessThan(100);
  for (let from = 2_000; from < 4_000; from += 200) {
    expect(first.filter((at) => at >= from && at < from + 200).length).toBeGreaterThan(50);
  }
  await until(() => sites.connected().length === COUNT);
  await stop();
});

test("a hub that vanishes is tried soon by all, then ever more seldom, and never by all at once", {
  timeout: 60_000,
}, async () => {
  const { clock, sites, hub, tries, cut, mark, stop } = await crowd();
  hub.down = true;
  mark();
  cut();
  await settle();
  await pass(clock, SECOND, 10);
  await pass(clock, 59 * SECOND, 50);
  const first = nth(tries, 0);
  expect(first).toHaveLength(COUNT);
  expect(Math.max(...first)).toBeLessThanOrEqual(210);
  // evenly they would be 100 in 20 ms
  expect(densest(first, 20)).toBeLessThan(160);
  // each later try is a whole wait further apart
  for (const [n, most] of [
    [1, 180],
    [2, 110],
    [3, 60],
    [4, 40],
  ] as const) {
    const times = nth(tries, n);
    expect(times.length).toBeGreaterThan(COUNT * 0.9);
    expect(densest(times, 100), `try ${n + 1}`).toBeLessThan(most);
  }
  // all tries together: in the last half minute of the minute a steady trickle
  const late = tries.flat().filter((at) => at > 30 * SECOND);
  expect(late.length).toBeLessThan(COUNT * 4);
  expect(densest(late, 100)).toBeLessThan((late.length / 300) * 3);
  hub.down = false;
  await pass(clock, 30 * SECOND, 100);
  await until(() => sites.connected().length === COUNT);
  await stop();
  expect(clock.pending).toBe(0);
});
