import { expect, test } from "vitest";
import { parseSitePath } from "../../../hub/registry/index.ts";
import { codeOf, open, query, withSites } from "./rig.ts";

test.each(["a", "acme", "acme-2", "0", "a".repeat(24), "a--b"])("a tenant may be called %j", async (name) => {
  const { registry } = await open();
  await registry.addTenant("test", name);
  expect([...(await registry.tenants())]).toEqual([{ name, sites: 0 }]);
});

test.each([
  "",
  "A",
  "acme/x",
  "..",
  ".",
  "-a",
  "a-",
  "a".repeat(25),
  "a b",
  "a_b",
  "é",
  "a\n",
  "a\0",
  "%2e",
  "'; --",
])("a tenant may not be called %j", async (name) => {
  const { registry } = await open();
  expect(await codeOf(registry.addTenant("test", name))).toBe("E_NAME");
  expect([...(await registry.tenants())]).toEqual([]);
});

test.each(["main", "_x", "A", "site-1", "a".repeat(32)])("a site may be called %j", async (name) => {
  const { registry } = await withSites([name]);
  expect((await registry.site("acme", name)).name).toBe(name);
});

test.each(["", "1a", "-a", "a".repeat(33), "a b", "a/b", "..", "a.b", "é", "a\n", "a\0"])(
  "a site may not be called %j",
  async (name) => {
    const { registry } = await withSites([]);
    expect(await codeOf(registry.addSite("test", "acme", name, ["livestatus"]))).toBe("E_NAME");
    expect(await registry.sites()).toEqual([]);
  },
);

test("a path of a site is split, and what is no path is refused", () => {
  expect(parseSitePath("acme/main")).toEqual({ tenant: "acme", site: "main" });
  for (const wrong of [
    "",
    "acme",
    "acme/",
    "/main",
    "/",
    "acme/main/x",
    "acme//main",
    "acme/..",
    "./main",
    "A/main",
    "acme/a b",
  ]) {
    expect(() => parseSitePath(wrong), wrong).toThrow(expect.objectContaining({ code: "E_NAME" }));
  }
});

test("a tenant or site that is there already is not added again", async () => {
  const { registry } = await withSites(["main"]);
  expect(await codeOf(registry.addTenant("test", "acme"))).toBe("E_EXISTS");
  expect(await codeOf(registry.addSite("test", "acme", "main", ["http"]))).toBe("E_EXISTS");
  expect((await registry.site("acme", "main")).services).toEqual(["livestatus"]);
});

test("two tenants may have sites of the same name, which are different sites", async () => {
  const { registry } = await withSites(["main"]);
  await registry.addTenant("test", "globex");
  await registry.addSite("test", "globex", "main", ["http"]);
  const [acme, globex] = [await registry.site("acme", "main"), await registry.site("globex", "main")];
  expect(acme.address).not.toBe(globex.address);
  expect([acme.services, globex.services]).toEqual([["livestatus"], ["http"]]);
  expect((await registry.sites("globex")).map((site) => site.id)).toEqual([globex.id]);
});

test("what is not there is said not to be there", async () => {
  const { registry } = await withSites(["main"]);
  expect(
    await Promise.all([
      codeOf(registry.site("acme", "other")),
      codeOf(registry.site("globex", "main")),
      codeOf(registry.sites("globex")),
      codeOf(registry.addSite("test", "globex", "main", ["http"])),
      codeOf(registry.removeTenant("test", "globex")),
      codeOf(registry.removeSite("test", "acme", "other")),
      codeOf(registry.setEnabled("test", "acme", "other", true)),
      codeOf(registry.revoke("test", "acme", "other")),
    ]),
  ).toEqual(Array(8).fill("E_NOT_FOUND"));
});

test("names of sites are told apart by case", async () => {
  const { registry } = await withSites(["main", "MAIN"]);
  await registry.removeSite("test", "acme", "MAIN");
  expect((await registry.sites()).map((site) => site.name)).toEqual(["main"]);
});

test("a tenant with sites stays; without them it goes", async () => {
  const { registry } = await withSites(["main"]);
  expect(await codeOf(registry.removeTenant("test", "acme"))).toBe("E_EXISTS");
  await registry.removeSite("test", "acme", "main");
  await registry.removeTenant("test", "acme");
  expect([...(await registry.tenants())]).toEqual([]);
});

test("a service named twice is one service", async () => {
  const { registry } = await withSites([]);
  const site = await registry.addSite("test", "acme", "main", ["http", "livestatus", "http"]);
  expect(site.services).toEqual(["http", "livestatus"]);
});

test("a site is disabled and enabled, and says so", async () => {
  const { registry } = await withSites(["main"]);
  expect((await registry.setEnabled("test", "acme", "main", false)).enabled).toBe(false);
  expect((await registry.site("acme", "main")).enabled).toBe(false);
  expect((await registry.setEnabled("test", "acme", "main", true)).enabled).toBe(true);
  expect((await registry.site("acme", "main")).enabled).toBe(true);
});

test("a removed site leaves no key, token or service behind", async () => {
  const { registry, enrolment, store } = await withSites(["main"]);
  const token = await enrolment.issue("test", "acme", "main", 1_000);
  await enrolment.redeem(token.id, token.secret, new Uint8Array(32), "host");
  await registry.removeSite("test", "acme", "main");
  for (const table of ["site", "site_service", "agent_key", "token"]) {
    expect([table, await query(store, `SELECT * FROM ${table}`)]).toEqual([table, []]);
  }
  expect(await codeOf(registry.siteOfKey(new Uint8Array(32)))).toBe("E_KEY_UNKNOWN");
});

test("when a site was last seen is kept", async () => {
  const { registry, clock } = await withSites(["main"]);
  const { id } = await registry.site("acme", "main");
  expect((await registry.site("acme", "main")).lastSeen).toBeUndefined();
  clock.advance(5_000);
  await registry.seen(id);
  expect((await registry.site("acme", "main")).lastSeen).toBe(clock.wall());
});

test("every change leaves a line of who did what to which, and when; a refused one leaves none", async () => {
  const { registry, enrolment, store, clock } = await open();
  await registry.addTenant("ann", "acme");
  clock.advance(1_000);
  const { address } = await registry.addSite("ben", "acme", "main", ["livestatus"]);
  const token = await enrolment.issue("cat", "acme", "main", 60_000);
  await enrolment.redeem(token.id, token.secret, Buffer.alloc(32, 0xab), "db1");
  await registry.setEnabled("dan", "acme", "main", false);
  await registry.setEnabled("eve", "acme", "main", true);
  await registry.revoke("fay", "acme", "main");
  await codeOf(registry.addTenant("gus", "acme"));
  await codeOf(registry.removeTenant("gus", "acme"));
  await registry.removeSite("hal", "acme", "main");
  await registry.removeTenant("ian", "acme");
  const rows = await query(
    store,
    "SELECT at, who, action, tenant || '/' || site, detail FROM audit ORDER BY id",
  );
  const later = clock.wall();
  expect(rows.map(Object.values)).toEqual([
    [later - 1_000, "ann", "tenant.add", "acme/", ""],
    [later, "ben", "site.add", "acme/main", address],
    [later, "cat", "token.issue", "acme/main", `expires ${new Date(later + 60_000).toISOString()}`],
    [later, "agent db1", "agent.enrol", "acme/main", "key abababababababab"],
    [later, "dan", "site.disable", "acme/main", ""],
    [later, "eve", "site.enable", "acme/main", ""],
    [later, "fay", "site.revoke", "acme/main", ""],
    [later, "hal", "site.remove", "acme/main", address],
    [later, "ian", "tenant.remove", "acme/", ""],
  ]);
});

test("what somebody tried can be written into the audit, too", async () => {
  const { registry, store, clock } = await withSites([]);
  const actor = { who: "client zoe", from: "192.0.2.1" };
  await registry.record(actor, "livestatus.refuse", "acme/main", "COMMAND X; it's; 'quoted'");
  const [row] = await query(store, "SELECT * FROM audit ORDER BY id DESC");
  expect(row).toMatchObject({
    at: clock.wall(),
    who: "client zoe",
    origin: "192.0.2.1",
    action: "livestatus.refuse",
    tenant: "acme",
    site: "main",
    detail: "COMMAND X; it's; 'quoted'",
  });
});

test("a change that fails in the middle leaves nothing", async () => {
  const { registry, store } = await withSites([]);
  await query(
    store,
    "CREATE TRIGGER full BEFORE INSERT ON site_service BEGIN SELECT RAISE(ABORT, 'disk full'); END",
  );
  const before = await query(store, "SELECT * FROM audit");
  await expect(registry.addSite("test", "acme", "main", ["livestatus"])).rejects.toThrow("disk full");
  expect(await registry.sites()).toEqual([]);
  expect(await query(store, "SELECT * FROM audit")).toEqual(before);
  expect(await query(store, "SELECT * FROM setting")).toEqual([]);
});
