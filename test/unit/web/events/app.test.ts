import { Hono } from "hono";
import { expect, test } from "vitest";
import { FakeClock } from "../../../../common/clock.ts";
import type { Log } from "../../../../common/log.ts";
import { systemRandom } from "../../../../common/random.ts";
import type { ProblemChanges } from "../../../../hub/problems/index.ts";
import { BEAT } from "../../../../hub/web/events/app.ts";
import { WINDOW } from "../../../../hub/web/events/feed.ts";
import { eventsApp, Feeds } from "../../../../hub/web/events/index.ts";
import { PROBLEM_WINDOW } from "../../../../hub/web/events/problems.ts";
import type { WebEnv } from "../../../../hub/web/site/index.ts";
import { madeSite } from "../pages/made.ts";

type Listener = (change: { tenant: string; site: string; gone: boolean }) => void;

/** The endpoint, for one user at a time, without a socket. */
class World {
  readonly clock = new FakeClock();
  readonly feeds = new Feeds({ clock: this.clock, random: systemRandom, log: {} as Log });
  sites = [madeSite(0), madeSite(1)];
  user = "alice";
  tenants: "all" | string[] = "all";
  watching = new Set<{ listener: Listener; ended: () => void }>();
  problems = new Set<(changes: ProblemChanges) => void>();
  refused = false;
  unhandled: ProblemChanges["unhandled"] | undefined;
  readonly app = new Hono<WebEnv>();

  constructor(limits: { most?: number; mostOfOne?: number } = {}) {
    this.app.use(async (context, next) => {
      context.set("reach", this.reach() as never);
      await next();
    });
    this.app.onError((error, context) => context.text((error as unknown as { code: string }).code, 429));
    this.app.route("/events", eventsApp({ feeds: this.feeds, clock: this.clock, ...limits }));
  }

  reach() {
    return {
      principal: { name: this.user, tenants: this.tenants },
      has: () => true,
      sites: async () => this.sites,
      sparks: async () => new Map(),
      site: async (_: string, name: string) => this.sites.find(({ site }) => site === name),
      watch: (listener: Listener, ended: () => void) => {
        const entry = { listener, ended };
        this.watching.add(entry);
        return () => this.watching.delete(entry);
      },
      problems: async () => {
        if (!this.unhandled) throw Object.assign(new Error("none"), { code: "E_NOT_FOUND" });
        return { unhandled: this.unhandled };
      },
      watchProblems: (listener: (changes: ProblemChanges) => void) => {
        if (this.refused) throw Object.assign(new Error("too many"), { code: "E_LIMIT" });
        this.problems.add(listener);
        return () => this.problems.delete(listener);
      },
    };
  }

  page() {
    return this.feeds.page(this.reach() as never);
  }

  tell(tenant: string, site: string) {
    for (const { listener } of this.watching) listener({ tenant, site, gone: false });
  }

  async open(query = "", headers: Record<string, string> = {}) {
    const answer = await this.app.request(`/events${query}`, { headers });
    return { answer, events: new Events(answer) };
  }
}

class Events {
  readonly #reader:
    | { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>; cancel(): Promise<void> }
    | undefined;
  #text = "";

  constructor({ body, ok }: Response) {
    this.#reader = ok ? (body as ReadableStream<Uint8Array>).getReader() : undefined;
  }

  /** The next event; undefined: the stream has ended. */
  async next(): Promise<{ name: string; data: unknown; id: string | undefined } | undefined> {
    while (!this.#text.includes("\n\n")) {
      const { done, value } = (await this.#reader?.read()) ?? { done: true, value: undefined };
      if (done) return undefined;
      this.#text += new TextDecoder().decode(value);
    }
    const end = this.#text.indexOf("\n\n");
    const lines = this.#text.slice(0, end).split("\n");
    this.#text = this.#text.slice(end + 2);
    const field = (name: string) =>
      lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    return { name: field("event") ?? "", data: JSON.parse(field("data") ?? ""), id: field("id") };
  }

  leave(): Promise<void> | undefined {
    return this.#reader?.cancel();
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test("a stream begins, tells changes, and shows that it lives", async () => {
  const world = new World();
  const { cursor } = await world.page();
  const { answer, events } = await world.open(`?after=${cursor}`);
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(await events.next()).toEqual({ name: "hello", data: {}, id: cursor });
  world.sites = [madeSite(0, { rtt: 1 }), madeSite(1)];
  world.tell("tenant-000", "berlin_0");
  world.clock.advance(WINDOW);
  const told = await events.next();
  expect(told?.name).toBe("sites");
  expect(told?.data).toMatchObject({ rows: [{ site: "berlin_0", rtt: 1 }], gone: [] });
  world.clock.advance(BEAT);
  expect((await events.next())?.name).toBe("beat");
  await events.leave();
});

test("who was away is told what was missed, by what the browser says it saw last", async () => {
  const world = new World();
  const { cursor } = await world.page();
  world.sites = [madeSite(0, { rtt: 1 }), madeSite(1)];
  world.clock.advance(WINDOW + 1);
  await world.page();
  const { events } = await world.open("?after=nonsense", { "last-event-id": cursor });
  expect((await events.next())?.name).toBe("hello");
  expect((await events.next())?.data).toMatchObject({ rows: [{ site: "berlin_0" }] });
  await events.leave();
});

test("who was away for longer than the hub knows is told to begin anew", async () => {
  const world = new World();
  const { events } = await world.open("?after=0123456789ab.7");
  expect((await events.next())?.name).toBe("resync");
  await events.leave();
});

test("the stream ends when the login does, and nothing of it stays", async () => {
  const world = new World();
  const { events } = await world.open("?problems=yes");
  expect((await events.next())?.name).toBe("hello");
  for (const { ended } of [...world.watching]) ended();
  expect(await events.next()).toBeUndefined();
  expect(world.watching.size + world.problems.size).toBe(0);
});

test("nothing stays of a page that was closed", async () => {
  const world = new World({ mostOfOne: 1 });
  for (let time = 0; time < 3; time++) {
    const { answer, events } = await world.open("?problems=yes");
    expect(answer.status).toBe(200);
    await events.leave();
    expect(world.watching.size + world.problems.size).toBe(0);
  }
});

test("streams are bounded, of one user and of all", async () => {
  const world = new World({ most: 3, mostOfOne: 2 });
  const open = [await world.open(), await world.open()];
  expect((await world.open()).answer.status).toBe(429);
  world.user = "bob";
  open.push(await world.open());
  world.user = "carol";
  expect((await world.open()).answer.status).toBe(429);
  await open[0]?.events.leave();
  expect((await world.open()).answer.status).toBe(200);
});

test("a stream that is refused because of its problems leaves nothing behind", async () => {
  const world = new World();
  world.refused = true;
  expect((await world.open("?problems=yes")).answer.status).toBe(429);
  expect(world.watching.size).toBe(0);
  world.refused = false;
  expect((await world.open("?problems=yes")).answer.status).toBe(200);
});

test.each([[`?after=${"x".repeat(65)}`], [`?site=${"x".repeat(201)}`], ["?problems=perhaps"]])(
  "a request that is wrong is refused: %s",
  async (query) => {
    const { answer } = await new World().open(query);
    expect(await answer.text()).toBe("E_REQUEST");
  },
);

test("changes of problems are counted and put together", async () => {
  const world = new World();
  const { events } = await world.open("?problems=yes");
  expect((await events.next())?.name).toBe("hello");
  const unhandled = { down: 1, crit: 2, unreach: 0, unknown: 0, warn: 3 };
  for (const listener of world.problems) {
    listener({ unhandled: { ...unhandled, crit: 50 } } as ProblemChanges);
    listener({ unhandled } as ProblemChanges);
  }
  world.clock.advance(PROBLEM_WINDOW);
  expect(await events.next()).toMatchObject({ name: "problems", data: { unhandled: 6 } });
  await events.leave();
});

test("problems are watched only where a page wants them", async () => {
  const world = new World();
  const { events } = await world.open();
  expect(world.problems.size).toBe(0);
  await events.leave();
});

test("all who see the same share a feed, others do not; it goes when nobody reads it", async () => {
  const world = new World();
  const { events } = await world.open();
  world.user = "bob";
  await world.page();
  expect(world.feeds.size).toBe(1);
  world.tenants = ["tenant-000"];
  await world.page();
  expect(world.feeds.size).toBe(2);
  world.clock.advance(60_000);
  expect(world.feeds.size).toBe(1);
  await events.leave();
  await settled();
  world.clock.advance(60_000);
  expect(world.feeds.size).toBe(0);
});

test("a page is told at once how many problems there are already", async () => {
  const world = new World();
  world.unhandled = { down: 2, crit: 0, unreach: 0, unknown: 0, warn: 5 };
  const { events } = await world.open("?problems=yes");
  expect((await events.next())?.name).toBe("hello");
  await settled();
  world.clock.advance(PROBLEM_WINDOW);
  expect(await events.next()).toMatchObject({ name: "problems", data: { unhandled: 7 } });
  await events.leave();
});
