import { describe, expect, test } from "vitest";
import { Refusal, type Request, RequestReader } from "../../../common/livestatus/index.ts";
import { Cache } from "../../../hub/livestatus/cache.ts";
import { cacheKey } from "../../../hub/livestatus/static.ts";
import { pass, settle } from "../session/rig.ts";
import { answer, type ClientSocket, FIXED, KEPT, newest, type Rig, rig, SITE } from "./rig.ts";

/** What Checkmk's pages ask every site. */
const PROBE =
  "GET status\nCache: reload\nColumns: livestatus_version program_version program_start num_hosts\n";
const GROUPS = "GET hostgroups\nColumns: name alias\n";
const NOW = Date.UTC(2026, 0, 1);

function cached(options: Parameters<typeof rig>[0] = {}): Rig {
  const at = rig(options);
  at.facts.generation = "1767225600 4711";
  return at;
}

/** Asks it at a client of its own; the core, where it is asked, answers with `body`. */
async function ask(
  at: Rig,
  query: string,
  body: string,
  code = 200,
): Promise<{ client: ClientSocket; asked: boolean }> {
  const before = at.streams.length;
  const client = await at.client().sends(`${query}${FIXED}\n`);
  const asked = at.streams.length > before;
  if (asked) newest(at).answers(body, code);
  await settle();
  expect(client.ending).toBe("ended");
  return { client, asked };
}

describe("an answer that holds until the core reloads", () => {
  test("is asked for once, and comes to others from the hub to the byte", async () => {
    const at = cached();
    expect((await ask(at, PROBE, "1;2;3;4\n")).asked).toBe(true);
    expect(newest(at).received).not.toContain("Cache");
    for (let round = 0; round < 3; round++) {
      const { client, asked } = await ask(at, PROBE, "other");
      expect([asked, client.received]).toEqual([false, answer("1;2;3;4\n")]);
    }
    expect(at.livestatus.state(SITE)).toMatchObject({ cacheHits: 3, cacheMisses: 1, cacheEntries: 1 });
  });

  test("is the same for those who keep their connection and those who do not, whatever their clock's second", async () => {
    const at = cached();
    await ask(at, `${PROBE}Localtime: ${NOW / 1_000}\n`, "a");
    const client = await at.client().sends(`${PROBE}Localtime: ${NOW / 1_000 + 30}\n${KEPT}\n`.repeat(2));
    expect([client.received, client.ending, at.streams.length]).toEqual([
      answer("a").repeat(2),
      undefined,
      1,
    ]);
  });

  test("is one for columns with any number of blanks between them; a tab there is for the core", async () => {
    const at = cached();
    await ask(at, "GET status\nColumns: program_start  num_hosts\n", "a");
    expect((await ask(at, "GET status\nColumns: program_start  num_hosts\n", "b")).asked).toBe(false);
    const tab = "GET status\nColumns: program_start\tnum_hosts\n";
    for (const body of ["a", "b"]) expect((await ask(at, tab, body)).client.received).toBe(answer(body));
  });

  test("is asked for anew after a reload, and while nothing is known of it not kept at all", async () => {
    const at = cached();
    await ask(at, PROBE, "old");
    at.facts.generation = "1767225999 4712";
    expect((await ask(at, PROBE, "new")).client.received).toBe(answer("new"));
    expect(at.livestatus.state(SITE)).toMatchObject({ cacheEntries: 1 });
    at.facts.generation = undefined;
    for (const body of ["a", "b"]) expect((await ask(at, PROBE, body)).client.received).toBe(answer(body));
  });

  test("of one site is not another's, nor of one user another's", async () => {
    const at = cached();
    await ask(at, `${GROUPS}AuthUser: alice\n`, "hers");
    expect((await ask(at, `${GROUPS}AuthUser: bob\n`, "his")).client.received).toBe(answer("his"));
    expect((await ask(at, GROUPS, "all")).client.received).toBe(answer("all"));
    expect((await ask(at, `${GROUPS}AuthUser: alice\n`, "")).client.received).toBe(answer("hers"));
    const elsewhere = await at
      .client("127.0.0.1", { ...SITE, id: 8, name: "other" })
      .sends(`${GROUPS}${FIXED}\n`);
    expect(elsewhere.received).toBe("");
  });

  test("is not given for a site that cannot be reached", async () => {
    const at = cached();
    await ask(at, PROBE, "a");
    at.facts.unreachable = "it is away";
    expect((await at.client().sends(`${PROBE}${FIXED}\n`)).received).toBe(answer("it is away\n", 502));
  });

  test("is never an error, nor one that was cut", async () => {
    const at = cached();
    expect((await ask(at, PROBE, "no such column\n", 400)).asked).toBe(true);
    expect((await ask(at, PROBE, "a")).asked).toBe(true);
    const client = await at.client().sends(`${GROUPS}${KEPT}\n`);
    newest(at).says(answer("abc").slice(0, -1)).closes();
    await settle();
    expect(client.ending).toBe("ended");
    expect((await ask(at, GROUPS, "whole")).client.received).toBe(answer("whole"));
  });
});

describe("many who ask the same at once", () => {
  test("wait for one answer, which all get", async () => {
    const at = cached();
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => at.client().sends(`${PROBE}${KEPT}\n`)),
    );
    expect(at.streams).toHaveLength(1);
    newest(at).answers("a");
    await settle();
    expect(clients.map((client) => client.received)).toEqual(Array(20).fill(answer("a")));
  });

  test("get the answer though the first of them has left", async () => {
    const at = cached();
    const [first, second] = [
      await at.client().sends(`${PROBE}${KEPT}\n`),
      await at.client().sends(`${PROBE}${KEPT}\n`),
    ];
    await first.leaves();
    newest(at).answers("a");
    await settle();
    expect([second.received, at.streams.length, newest(at).resetBy]).toEqual([answer("a"), 1, undefined]);
  });

  test("all get the same error, at the same time", async () => {
    const at = cached();
    const clients = await Promise.all(
      Array.from({ length: 5 }, () => at.client().sends(`${PROBE}${KEPT}\n`)),
    );
    await pass(at.clock, 120_000, 10_000);
    expect(clients.map((client) => client.received.slice(0, 3))).toEqual(Array(5).fill("502"));
    expect(at.streams).toHaveLength(1);
  });

  test("ask for themselves when the answer is too large to be kept, and so does everyone later", async () => {
    const at = cached();
    const clients = await Promise.all(
      Array.from({ length: 3 }, () => at.client().sends(`${PROBE}${FIXED}\n`)),
    );
    const large = "x".repeat((1 << 20) + 1);
    // its head tells
    newest(at).says(answer(large).slice(0, 100));
    await settle();
    expect(at.streams.map((stream) => stream.resetBy)).toEqual(["cancelled", ...Array(3).fill(undefined)]);
    for (const stream of at.streams.slice(1)) stream.answers(large);
    await settle();
    expect(clients.map((client) => client.received.length)).toEqual(Array(3).fill(16 + large.length));
    const [later, last] = [
      await at.client().sends(`${PROBE}${FIXED}\n`),
      await at.client().sends(`${PROBE}${FIXED}\n`),
    ];
    expect(at.streams).toHaveLength(6);
    expect([later.received, last.received]).toEqual(["", ""]);
  });

  test("one whose commands come first still waits for them", async () => {
    const at = cached();
    const client = await at.client().sends(`COMMAND [1] X\n\n${PROBE}${KEPT}\n`);
    expect([at.streams.length, newest(at).received]).toEqual([1, "COMMAND [1] X\n\n"]);
    newest(at).closes();
    await settle();
    newest(at).answers("a");
    await settle();
    expect([client.received, at.streams.length]).toEqual([answer("a"), 2]);
  });

  test("one who does not read his answers does not make the hub hold more and more of them", async () => {
    const at = cached();
    await ask(at, PROBE, "x".repeat(50_000));
    const client = at.client();
    client.blocking = true;
    for (let round = 0; round < 50; round++) await client.sends(`${PROBE}${KEPT}\n`);
    expect(client.writableLength).toBeLessThan(150_000);
    client.blocking = false;
    client.unblock();
    for (let round = 0; round < 60; round++) await settle();
    expect(client.received.length).toBe(50 * 50_016);
  });
});

describe("which queries those are", () => {
  const key = (text: string, now = NOW) => {
    const reader = new RequestReader({ longest: 10_000 });
    reader.push(Buffer.from(`${text}\n`));
    const request = reader.next();
    if (!request || request instanceof Refusal) throw new Error(text);
    return cacheKey(request as Request, now);
  };

  test.each([
    `${PROBE}${FIXED}`,
    `GET status\nColumns: program_start core_pid\n${KEPT}`,
    `${GROUPS}OutputFormat: json\nAuthUser: x\n${FIXED}`,
    `GET servicegroups\nColumns: name\nLimit: 5\n${FIXED}`,
    `GET contactgroups\nColumns: alias name\nColumnHeaders: on\n${FIXED}`,
    `GET hosts\nColumns: alias\nFilter: name = a\nFilter: alias = b\nOr: 2\n${FIXED}`,
    `GET hosts\nCache: reload\nColumns: name custom_variables\n${FIXED}`,
    `GET services\nCache: reload\nStats: state = 0\n${FIXED}`,
  ])("%j is one", (text) => {
    expect(key(text)).toBeDefined();
  });

  test.each([
    // nobody could tell a whole answer
    "GET status\nColumns: program_start\n",
    // they change by themselves
    `GET status\nColumns: program_start requests\n${FIXED}`,
    `GET status\n${FIXED}`,
    `GET hosts\nColumns: name state\n${FIXED}`,
    `GET hosts\nColumns: name\nFilter: state = 0\n${FIXED}`,
    `GET hosts\nColumns: name\nStats: state = 0\n${FIXED}`,
    `GET services\nColumns: name\n${FIXED}`,
    `GET hosts\nColumns: name\nColumns: state\n${FIXED}`,
    `GET constructor\nColumns: name\n${FIXED}`,
    // it is not what it says, but what happens
    `GET hosts\nColumns: name\nWaitTrigger: check\n${FIXED}`,
    `GET hosts\nCache: reload\nColumns: name\nWaitCondition: state = 0\n${FIXED}`,
    // unknown here
    `GET hosts\nColumns: name\nSort: name asc\n${FIXED}`,
    `GET hosts\nCache: forever\nColumns: state\n${FIXED}`,
    `COMMAND [1] X\nCache: reload\n${FIXED}`,
  ])("%j is none", (text) => {
    expect(key(text)).toBeUndefined();
  });

  test("what differs in anything but how it is served is not the same", () => {
    const keys = [
      GROUPS,
      `${GROUPS}OutputFormat: json\n`,
      `${GROUPS}Limit: 1\n`,
      `${GROUPS}AuthUser: a\n`,
      `${GROUPS}AuthUser: b\n`,
      `${GROUPS}AuthUser: a\nAuthUser: b\n`,
      "GET hostgroups\nColumns: alias name\n",
      "GET servicegroups\nColumns: name alias\n",
      `${GROUPS}ColumnHeaders: on\n`,
      `${GROUPS}Separators: 10 59 44 124\n`,
    ].map((text) => key(text + FIXED));
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).not.toContain(undefined);
  });

  test("one whose clock is not the hub's gets no answer that is kept: the core would shift its times", () => {
    const at = (skew: number) => key(`${GROUPS}Localtime: ${NOW / 1_000 + skew}\n${FIXED}`);
    expect(at(0)).toBeDefined();
    expect(at(60)).toBe(at(-60));
    expect([at(61), at(-61), at(3_600)]).toEqual([undefined, undefined, undefined]);
    expect(key(`${GROUPS}Localtime: soon\n${FIXED}`)).toBeUndefined();
  });
});

describe("the cache's bounds", () => {
  test("hold in entries and in bytes; what was not used for longest goes", () => {
    const cache = new Cache({ entries: 3, bytes: 1_000 });
    for (const name of ["a", "b", "c"]) cache.put(name, Buffer.alloc(10));
    cache.get("a");
    cache.put("d", Buffer.alloc(10));
    expect(["a", "b", "c", "d"].map((name) => cache.get(name) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
    cache.put("e", Buffer.alloc(980));
    expect([cache.entries, cache.bytes]).toEqual([2, 992]);
    cache.put("f", Buffer.alloc(1_001));
    expect([cache.entries, cache.bytes]).toEqual([0, 0]);
  });

  test("count an entry that is replaced once", () => {
    const cache = new Cache({ entries: 3, bytes: 1_000 });
    for (let n = 0; n < 10; n++) cache.put("a", Buffer.alloc(n * 10));
    expect([cache.entries, cache.bytes]).toEqual([1, 91]);
    cache.forget("b");
    expect(cache.entries).toBe(1);
    cache.forget("a");
    expect([cache.entries, cache.bytes]).toEqual([0, 0]);
  });

  test("are each tenant's own: one cannot push another's answers out", async () => {
    const at = cached({ cache: { entries: 2, bytes: 1 << 20 } });
    await ask(at, PROBE, "a");
    const other = { id: 9, tenant: "globex", name: "main" };
    for (let n = 0; n < 10; n++) {
      await at.client("127.0.0.1", other).sends(`${GROUPS}Limit: ${n}\n${KEPT}\n`);
      newest(at).answers("b");
      await settle();
    }
    expect(at.livestatus.state(other)).toMatchObject({ cacheEntries: 2 });
    expect((await ask(at, PROBE, "c")).asked).toBe(false);
  });

  test("of nothing keep nothing", async () => {
    const at = cached({ cache: { entries: 0, bytes: 0 } });
    for (const body of ["a", "b"]) expect((await ask(at, PROBE, body)).client.received).toBe(answer(body));
  });
});
