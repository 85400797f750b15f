import { join } from "node:path";
import { SQL } from "bun";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { MemoryLog, silentLog } from "../../../../common/log.ts";
import { sinceOf } from "../../../../hub/command/audit.ts";
import { type Actor, AuditRetention, openStore } from "../../../../hub/registry/index.ts";
import { MIGRATIONS } from "../../../../hub/registry/store/schema.ts";
import { ADMIN_HEADER, actorOf } from "../../../../hub/web/admin/actor.ts";
import { auditApp } from "../../../../hub/web/admin/audit.ts";
import { settle } from "../../session/rig.ts";
import { HOUR, open, query, type Rig, scratch } from "../rig.ts";

const DAY = 24 * HOUR;

/** Writes records that begin with number 1, one a second. */
async function fill(rig: Rig, count: number, target = "acme/main"): Promise<void> {
  for (let number = 1; number <= count; number++) {
    await rig.registry.record("client", "livestatus.refuse", target, `number ${number}`);
    rig.clock.advance(1_000);
  }
}

const details = async ({ registry }: Rig, limit = 1_000) =>
  (await registry.records({ limit })).map(({ detail }) => detail);

test("a record says when, who, from where, what, of which tenant and site", async () => {
  const rig = await open();
  const actor = { who: "admin ann", from: "admin socket" };
  await rig.registry.addTenant(actor, "acme");
  await rig.registry.addSite(actor, "acme", "main", ["livestatus"]);
  const token = await rig.enrolment.issue(actor, "acme", "main", HOUR);
  await rig.enrolment.redeem(token.id, token.secret, new Uint8Array(32), "db1", "192.0.2.7");
  const time = "2026-01-01T00:00:00.000Z";
  expect(await rig.registry.records({ limit: 10 })).toEqual([
    {
      time,
      who: "admin ann",
      from: "admin socket",
      action: "tenant.add",
      tenant: "acme",
      site: "",
      detail: "",
    },
    {
      time,
      who: "admin ann",
      from: "admin socket",
      action: "site.add",
      tenant: "acme",
      site: "main",
      detail: "127.64.0.1",
    },
    expect.objectContaining({ action: "token.issue", site: "main" }),
    {
      time,
      who: "agent db1",
      from: "192.0.2.7",
      action: "agent.enrol",
      tenant: "acme",
      site: "main",
      detail: "key 0000000000000000",
    },
  ]);
});

test("of many records those are given that are wanted, the newest of them, in their order", async () => {
  const rig = await open();
  await fill(rig, 3, "acme/main");
  await rig.registry.addTenant("test", "beta");
  await fill(rig, 2, "beta/main");
  await fill(rig, 1, "acme/other");
  const wanted = async (filter: object) =>
    (await rig.registry.records({ limit: 10, ...filter })).map(
      ({ tenant, site, detail }) => `${tenant}/${site} ${detail}`,
    );
  expect(await wanted({ tenant: "beta" })).toEqual(["beta/ ", "beta/main number 1", "beta/main number 2"]);
  expect(await wanted({ tenant: "acme", site: "other" })).toEqual(["acme/other number 1"]);
  expect(await wanted({ action: "tenant." })).toEqual(["beta/ "]);
  expect(await wanted({ action: "%" })).toEqual([]);
  expect(await wanted({ since: rig.clock.wall() - 1_000 })).toEqual(["acme/other number 1"]);
  expect(await wanted({ limit: 2 })).toEqual(["beta/main number 2", "acme/other number 1"]);
  expect(await wanted({ tenant: "nobody" })).toEqual([]);
});

test("what is wanted is found, however many others were written since", async () => {
  const rig = await open();
  await rig.registry.addTenant("test", "acme");
  await rig.store.transaction(
    (sql) => sql`
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 45000)
      INSERT INTO audit (at, who, origin, action, tenant, site, detail)
      SELECT 0, 'client', '', 'livestatus.refuse', 'beta', 'main', 'x' FROM n`,
  );
  expect(await rig.registry.records({ tenant: "acme", limit: 5 })).toMatchObject([{ action: "tenant.add" }]);
});

test("a long detail is cut", async () => {
  const rig = await open();
  await rig.registry.record("client", "livestatus.refuse", "acme/main", "x".repeat(5_000));
  expect((await details(rig))[0]).toHaveLength(1_000);
});

test("who asks at the admin socket has the name that the command line gives, and no other signs", async () => {
  const app = new Hono().get("/", (context) => context.json(actorOf(context)));
  const who = async (name?: string) => {
    const headers = name === undefined ? {} : { [ADMIN_HEADER]: name };
    return ((await (await app.request("/", { headers })).json()) as Actor).who;
  };
  expect(await who()).toBe("admin");
  expect(await who(encodeURIComponent("zo\u00eb"))).toBe("admin zo\u00eb");
  expect(await who("%1b[2J%0aadmin")).toBe("admin ?[2J?admin");
  expect(await who("%")).toBe("admin %");
  expect(await who("x".repeat(500))).toBe(`admin ${"x".repeat(64)}`);
});

test("the command line's questions are checked", async () => {
  const { registry } = await open();
  await registry.addTenant("test", "acme");
  const app = auditApp(registry);
  app.onError((error, context) => context.text(error.message, 400));
  const status = async (text: string) => (await app.request(`/audit?${text}`)).status;
  expect(await (await app.request("/audit?limit=5&tenant=acme")).json()).toMatchObject([{ who: "test" }]);
  for (const wrong of ["", "limit=0", "limit=100001", "limit=x", "limit=1&since=-1", "limit=1&nonsense=1"])
    expect([wrong, await status(wrong)]).toEqual([wrong, 400]);
});

test.each([
  ["90s", 90_000],
  ["30m", 30 * 60_000],
  ["2h", 2 * HOUR],
  ["7d", 7 * DAY],
])("since %s is so long ago", (text, ms) => {
  expect(sinceOf(text, 100 * DAY)).toBe(100 * DAY - ms);
});

test.each([
  ["2026-01-31", "2026-01-31T00:00:00Z"],
  ["2026-01-31T13:05", "2026-01-31T13:05:00Z"],
  ["2026-01-31 13:05:07", "2026-01-31T13:05:07Z"],
  ["2026-01-31T13:05:07.5Z", "2026-01-31T13:05:07.500Z"],
  ["2026-01-31T13:05+02:00", "2026-01-31T11:05:00Z"],
])("since %s is a moment", (text, moment) => {
  expect(sinceOf(text, 0)).toBe(Date.parse(moment));
});

test.each(["", "h", "2", "2w", "-2h", "2026-13-01", "2026-01-31T25:00", "yesterday", "1969-01-01"])(
  "since %j is wrong usage",
  (text) => {
    expect(() => sinceOf(text, 0)).toThrow(expect.objectContaining({ code: "E_USAGE" }));
  },
);

function retention(rig: Rig, limits: { rows?: number; age?: number }, log = silentLog): AuditRetention {
  return new AuditRetention({
    store: rig.store,
    clock: rig.clock,
    log,
    rows: 1_000_000,
    age: DAY,
    ...limits,
  });
}

test("of more records than are kept the oldest go", async () => {
  const rig = await open();
  await fill(rig, 10);
  expect(await retention(rig, { rows: 4 }).prune()).toBe(6);
  expect(await details(rig)).toEqual(["number 7", "number 8", "number 9", "number 10"]);
  expect(await retention(rig, { rows: 4 }).prune()).toBe(0);
});

test("records that are too old go, and no other", async () => {
  const rig = await open();
  await fill(rig, 3);
  rig.clock.advance(DAY - 2_000);
  expect(await retention(rig, {}).prune()).toBe(1);
  expect(await details(rig)).toEqual(["number 2", "number 3"]);
  rig.clock.advance(HOUR);
  await retention(rig, {}).prune();
  expect(await details(rig)).toEqual([]);
  await fill(rig, 1);
  expect(await details(rig)).toEqual(["number 1"]);
});

test("many go in many transactions, between which others have their turn", async () => {
  const rig = await open();
  await fill(rig, 1_700);
  const keeper = retention(rig, { rows: 100 });
  keeper.start();
  const [between] = await query(rig.store, "SELECT COUNT(*) AS count FROM audit");
  expect(between).toEqual({ count: 1_200 });
  for (let turn = 0; turn < 50 && rig.clock.pending === 0; turn++) await settle();
  expect(await details(rig, 10_000)).toHaveLength(100);
  keeper.stop();
});

test("looks again after a minute, and not after it was stopped", async () => {
  const rig = await open();
  const keeper = retention(rig, { rows: 2 });
  keeper.start();
  for (let turn = 0; turn < 50 && rig.clock.pending === 0; turn++) await settle();
  await fill(rig, 5);
  rig.clock.advance(60_000);
  for (let turn = 0; turn < 50 && rig.clock.pending === 0; turn++) await settle();
  expect(await details(rig)).toEqual(["number 4", "number 5"]);
  keeper.stop();
  expect(rig.clock.pending).toBe(0);
});

test("a registry that cannot be written is told in the log, and tried again", async () => {
  const rig = await open();
  const log = new MemoryLog();
  await query(rig.store, "ALTER TABLE audit RENAME TO away");
  const keeper = retention(rig, {}, log);
  keeper.start();
  for (let turn = 0; turn < 50 && rig.clock.pending === 0; turn++) await settle();
  expect(log.lines.map(({ message }) => message)).toEqual(["the registry cannot be written"]);
  expect(rig.clock.pending).toBe(1);
  keeper.stop();
});

test("records of an older release are taken over, with tenant and site by themselves", async () => {
  const url = `sqlite:${join(scratch(), "registry.sqlite")}`;
  const before = new SQL(url);
  await before`CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at BIGINT NOT NULL)`;
  for (const statement of MIGRATIONS[0] ?? []) await before.unsafe(statement);
  await before`INSERT INTO migration (version, applied_at) VALUES (1, 0)`;
  for (const target of ["acme", "acme/main", "a-1/Main_2", "b/b"])
    await before`INSERT INTO audit (at, actor, action, target, detail) VALUES (0, 'ann', 'x', ${target}, 'd')`;
  await before.close();
  await (await openStore(url)).close();
  const rig = await open({ url });
  expect(
    (await rig.registry.records({ limit: 9 })).map(({ who, tenant, site }) => [who, tenant, site]),
  ).toEqual([
    ["ann", "acme", ""],
    ["ann", "acme", "main"],
    ["ann", "a-1", "Main_2"],
    ["ann", "b", "b"],
  ]);
});
