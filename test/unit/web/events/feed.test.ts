import { expect, test } from "vitest";
import { FakeClock } from "../../../../common/clock.ts";
import { FarsiteError } from "../../../../common/errors.ts";
import type { SeenSite } from "../../../../hub/access/index.ts";
import { Feed, LOOK, MOST_FIGURES, MOST_GONE, type Reader, WINDOW } from "../../../../hub/web/events/feed.ts";
import type { SiteRow } from "../../../../hub/web/view/index.ts";
import { madeSite, madeSites } from "../pages/made.ts";

interface Told {
  rows: SiteRow[];
  gone: string[];
}

class World {
  readonly clock = new FakeClock();
  readonly faults: unknown[] = [];
  sites: SeenSite[];
  looks = 0;
  asked: string[] = [];
  readonly feed: Feed;

  constructor(count: number) {
    this.sites = madeSites(count);
    this.feed = new Feed({ clock: this.clock, epoch: "e1", failed: (error) => this.faults.push(error) });
  }

  readonly reach = {
    sparks: async () => new Map(),
    sites: async () => {
      this.looks++;
      return this.sites;
    },
    site: async (tenant: string, name: string) => {
      this.asked.push(name);
      const found = this.sites.find((each) => each.tenant === tenant && each.site === name);
      if (!found) throw new FarsiteError("E_NOT_FOUND", "there is no such site");
      return found;
    },
  } as unknown as Reader["reach"];

  change(at: number, changes: Partial<SeenSite>): SeenSite {
    const changed = { ...(this.sites[at] as SeenSite), ...changes };
    this.sites = this.sites.with(at, changed);
    return changed;
  }

  fail(at: number): SeenSite {
    const { livestatus } = this.sites[at] as SeenSite;
    return this.change(at, { livestatus: { ...livestatus, state: "down", reason: "gone" } });
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  join(options: { seen?: number; only?: string } = {}) {
    const told: Told[] = [];
    const ids: string[] = [];
    const reader = {
      reach: this.reach,
      seen: options.seen ?? this.feed.standing(this.feed.cursor) ?? 0,
      only: options.only,
      open: true,
      ready: () => reader.open,
      send(text: string) {
        const [id, name, data] = text.trimEnd().split("\n");
        expect(name).toBe("event: sites");
        ids.push((id ?? "").replace("id: ", ""));
        told.push(JSON.parse((data ?? "").replace(/^data: /, "")));
      },
    };
    return { reader, told, ids, leave: this.feed.join(reader) };
  }
}

/** Everything that follows at once has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test("a page has all rows, and says what it has seen", async () => {
  const world = new World(3);
  const { rows, cursor } = await world.feed.page(world.reach);
  expect(rows.map(({ site }) => site)).toEqual(world.sites.map(({ site }) => site));
  expect(world.feed.standing(cursor)).toBe(1);
});

test("pages that are made at the same time look once", async () => {
  const world = new World(3);
  await Promise.all([1, 2, 3].map(() => world.feed.page(world.reach)));
  await world.feed.page(world.reach);
  expect(world.looks).toBe(1);
  world.clock.advance(WINDOW + 1);
  await world.feed.page(world.reach);
  expect(world.looks).toBe(2);
});

test("what changes between the page and its stream is told when the stream begins", async () => {
  const world = new World(3);
  const { cursor } = await world.feed.page(world.reach);
  world.fail(1);
  world.clock.advance(WINDOW + 1);
  await world.feed.page(world.reach);
  const { told } = world.join({ seen: world.feed.standing(cursor) ?? -1 });
  expect(told.map(({ rows }) => rows.map(({ site, state }) => [site, state]))).toEqual([
    [["wien_1", "down"]],
  ]);
});

test("changes are put together, and each site is told once", async () => {
  const world = new World(5);
  await world.feed.page(world.reach);
  const { told, ids } = world.join();
  const { tenant, site } = world.fail(2);
  for (let time = 0; time < 100; time++) world.feed.touch(tenant, site);
  await world.pass(WINDOW - 1);
  expect(told).toEqual([]);
  await world.pass(1);
  expect(told).toHaveLength(1);
  expect(told[0]?.rows.map((row) => row.site)).toEqual([site]);
  expect(ids).toEqual([world.feed.cursor]);
  expect(world.asked).toEqual([site]);
});

test("what is touched and the same is not told", async () => {
  const world = new World(2);
  await world.feed.page(world.reach);
  const { told } = world.join();
  world.feed.touch("tenant-000", "berlin_0");
  await world.pass(WINDOW);
  expect(told).toEqual([]);
});

test("when many change at once all are looked at together", async () => {
  const world = new World(200);
  await world.feed.page(world.reach);
  const { told } = world.join();
  for (let at = 0; at < 100; at++) {
    const { tenant, site } = world.fail(at);
    world.feed.touch(tenant, site);
  }
  await world.pass(WINDOW);
  expect(world.asked).toEqual([]);
  expect(told.map(({ rows }) => rows.length)).toEqual([100]);
});

test("a slow reader is told what it missed in one piece, when it can take more", async () => {
  const world = new World(5);
  await world.feed.page(world.reach);
  const slow = world.join();
  const quick = world.join();
  slow.reader.open = false;
  for (const at of [1, 2, 1]) {
    const { tenant, site } = world.fail(at);
    world.change(at, { rtt: Math.random() });
    world.feed.touch(tenant, site);
    await world.pass(WINDOW);
  }
  expect(quick.told.length).toBeGreaterThan(1);
  expect(slow.told).toEqual([]);
  slow.reader.open = true;
  world.feed.tell(slow.reader);
  expect(slow.told.map(({ rows }) => rows.map(({ site }) => site).sort())).toEqual([["lyon_2", "wien_1"]]);
  world.feed.tell(slow.reader);
  expect(slow.told).toHaveLength(1);
});

test("a site that is gone is told, and one that comes", async () => {
  const world = new World(3);
  await world.feed.page(world.reach);
  const { told } = world.join();
  const [first] = world.sites as [SeenSite];
  world.sites = [...world.sites.slice(1), madeSite(30)];
  world.feed.touch(first.tenant, first.site);
  world.feed.touch("tenant-002", "berlin_30");
  await world.pass(WINDOW);
  expect(told).toHaveLength(1);
  expect(told[0]?.gone).toEqual(["tenant-000/berlin_0"]);
  expect(told[0]?.rows.map(({ site }) => site)).toEqual(["berlin_30"]);
});

test("a site that comes back is not gone for those who were away", async () => {
  const world = new World(2);
  const { cursor } = await world.feed.page(world.reach);
  const { leave } = world.join();
  const all = world.sites;
  world.sites = all.slice(1);
  world.feed.touch("tenant-000", "berlin_0");
  await world.pass(WINDOW);
  world.sites = all;
  world.feed.touch("tenant-000", "berlin_0");
  await world.pass(WINDOW);
  leave();
  const { told } = world.join({ seen: world.feed.standing(cursor) ?? -1 });
  expect(told).toEqual([{ rows: [expect.objectContaining({ site: "berlin_0" })], gone: [] }]);
});

test("who knows of more sites that are gone than are remembered begins anew", async () => {
  const world = new World(MOST_GONE + 2);
  const { cursor } = await world.feed.page(world.reach);
  const half = world.sites.length / 2;
  for (const left of [half, 0]) {
    world.sites = world.sites.slice(0, left);
    world.clock.advance(WINDOW + 1);
    await world.feed.page(world.reach);
  }
  expect(world.feed.standing(cursor)).toBeUndefined();
  expect(world.feed.standing(world.feed.cursor)).toBeDefined();
});

test.each([["e2.1"], ["e1.99"], ["e1.-1"], ["e1.x"], ["e1"], [""], ["e1.1.5"]])(
  "a reader who says %j begins anew",
  async (cursor) => {
    const world = new World(1);
    await world.feed.page(world.reach);
    expect(world.feed.standing(cursor)).toBeUndefined();
  },
);

test("figures are looked at while somebody reads, and only then", async () => {
  const world = new World(3);
  await world.feed.page(world.reach);
  const { told, leave } = world.join();
  world.change(0, { rtt: 999 });
  await world.pass(LOOK);
  expect(told.map(({ rows }) => rows.map(({ rtt }) => rtt))).toEqual([[999]]);
  leave();
  const { looks } = world;
  await world.pass(LOOK * 10);
  expect(world.looks).toBe(looks);
});

test("of many sites whose figures change some are told after each look, all of them in turn", async () => {
  const world = new World(MOST_FIGURES * 2 + 10);
  await world.feed.page(world.reach);
  const { told } = world.join();
  const seen = new Set<string>();
  for (let look = 0; look < 3; look++) {
    world.sites = world.sites.map((site, at) => ({ ...site, rtt: 1_000 + look * 7 + at }));
    await world.pass(LOOK);
    for (const { site } of told[look]?.rows ?? []) seen.add(site);
  }
  expect(told.map(({ rows }) => rows.length)).toEqual([MOST_FIGURES, MOST_FIGURES, MOST_FIGURES]);
  expect(seen.size).toBe(world.sites.length);
});

test("a change of state does not wait behind figures", async () => {
  const world = new World(MOST_FIGURES * 2);
  await world.feed.page(world.reach);
  const { told } = world.join();
  world.sites = world.sites.map((site, at) => ({ ...site, rtt: 2_000 + at }));
  world.fail(world.sites.length - 1);
  await world.pass(LOOK);
  expect(told[0]?.rows.filter(({ why }) => why === "gone")).toHaveLength(1);
});

test("who wants one site is told of that one only", async () => {
  const world = new World(4);
  await world.feed.page(world.reach);
  const { told, reader } = world.join({ only: "tenant-000/lyon_2" });
  for (const at of [1, 2]) {
    const { tenant, site } = world.fail(at);
    world.feed.touch(tenant, site);
    await world.pass(WINDOW);
  }
  expect(told.map(({ rows }) => rows.map(({ site }) => site))).toEqual([["lyon_2"]]);
  expect(`e1.${reader.seen}`).toBe(world.feed.cursor);
});

test("a registry that fails makes no site disappear", async () => {
  const world = new World(2);
  await world.feed.page(world.reach);
  const { told, reader } = world.join();
  reader.reach = { ...reader.reach, site: () => Promise.reject(new Error("the disk is full")) };
  world.feed.touch("tenant-000", "berlin_0");
  await world.pass(WINDOW);
  expect(told).toEqual([]);
  expect(world.faults).toHaveLength(1);
});
