import { expect, test } from "vitest";
import { parsePool, Registry } from "../../../hub/registry/index.ts";
import { Dice } from "../session/rig.ts";
import { codeOf, open, withSites } from "./rig.ts";

test("sites get the addresses of the pool in turn", async () => {
  const { registry } = await withSites(["a", "b", "c"], { pool: "10.9.0.0/24" });
  expect((await registry.sites()).map((site) => site.address)).toEqual(["10.9.0.1", "10.9.0.2", "10.9.0.3"]);
});

test("an address stays with its site whatever happens to the site and to others", async () => {
  const { registry, enrolment } = await withSites(["a", "b", "c"]);
  const { address } = await registry.site("acme", "b");
  await registry.removeSite("test", "acme", "a");
  await registry.setEnabled("test", "acme", "b", false);
  await registry.revoke("test", "acme", "b");
  await enrolment.issue("test", "acme", "b", 1_000);
  await registry.addSite("test", "acme", "d", ["http"]);
  await registry.setEnabled("test", "acme", "b", true);
  expect((await registry.site("acme", "b")).address).toBe(address);
});

test("the address of a removed site goes to no other while fresh ones remain", async () => {
  const { registry } = await withSites([], { pool: "10.9.0.0/29" });
  const given: string[] = [];
  for (let n = 0; n < 6; n++) {
    given.push((await registry.addSite("test", "acme", "s", ["http"])).address);
    await registry.removeSite("test", "acme", "s");
  }
  expect(new Set(given).size).toBe(6);
});

test("when the pool has been gone through, the first free address is given again", async () => {
  const { registry } = await withSites(["a", "b", "c", "d", "e", "f"], { pool: "10.9.0.0/29" });
  await registry.removeSite("test", "acme", "e");
  await registry.removeSite("test", "acme", "b");
  expect((await registry.addSite("test", "acme", "g", ["http"])).address).toBe("10.9.0.2");
  expect((await registry.addSite("test", "acme", "h", ["http"])).address).toBe("10.9.0.5");
});

test("a pool without a free address says so, and takes a site again after one went", async () => {
  const { registry } = await withSites(["a", "b"], { pool: "10.9.0.0/30" });
  expect(await codeOf(registry.addSite("test", "acme", "c", ["http"]))).toBe("E_POOL_EMPTY");
  expect((await registry.sites()).map((site) => site.name)).toEqual(["a", "b"]);
  await registry.removeSite("test", "acme", "a");
  expect((await registry.addSite("test", "acme", "c", ["http"])).address).toBe("10.9.0.1");
});

test("no address is ever held by two sites, whatever comes and goes", async () => {
  const dice = new Dice(11);
  const { registry } = await withSites([], { pool: "10.9.0.0/28" });
  const present = new Map<string, string>();
  for (let step = 0; step < 150; step++) {
    const name = `s${dice.upTo(20)}`;
    if (present.has(name)) {
      await registry.removeSite("test", "acme", name);
      present.delete(name);
    } else if (present.size < 14) {
      present.set(name, (await registry.addSite("test", "acme", name, ["http"])).address);
    } else {
      expect(await codeOf(registry.addSite("test", "acme", name, ["http"]))).toBe("E_POOL_EMPTY");
    }
    expect(new Set(present.values()).size).toBe(present.size);
  }
  expect(new Map((await registry.sites()).map((site) => [site.name, site.address]))).toEqual(present);
});

test.each([
  ["127.64.0.0/16", 65_534, "127.64.0.1", "127.64.255.254"],
  ["10.0.0.0/8", 16_777_214, "10.0.0.1", "10.255.255.254"],
  ["192.168.7.0/24", 254, "192.168.7.1", "192.168.7.254"],
  ["192.168.7.8/30", 2, "192.168.7.9", "192.168.7.10"],
  ["223.255.255.0/24", 254, "223.255.255.1", "223.255.255.254"],
])("the pool %s holds %i addresses, without the prefix's first and last", (text, size, first, last) => {
  const pool = parsePool(text);
  expect([pool.size, pool.address(1), pool.address(pool.size)]).toEqual([size, first, last]);
});

test.each([
  "",
  "127.64.0.0",
  "127.64.0.0/",
  "127.64.0.0/7",
  "127.64.0.0/31",
  "127.64.0.0/32",
  "127.64.0.1/16",
  "256.0.0.0/8",
  "127.64.0/16",
  "127.64.0.0.0/16",
  " 127.64.0.0/16",
  "127.64.0.0/16\n",
  "127.64.0.0/-16",
  "::1/64",
  "1e1.0.0.0/8",
  "127.64.0.0/016",
])("%j is no pool", (text) => {
  expect(() => parsePool(text)).toThrow(expect.objectContaining({ code: "E_CONFIG" }));
});

test("junk is no pool, and nothing but E_CONFIG comes of it", () => {
  const dice = new Dice(5);
  const letters = "0123456789./ -";
  for (let i = 0; i < 5_000; i++) {
    const text = Array.from({ length: dice.upTo(20) }, () => letters[dice.upTo(letters.length)]).join("");
    try {
      const pool = parsePool(text);
      expect(text).toMatch(/^\d+\.\d+\.\d+\.\d+\/\d+$/);
      expect(pool.address(pool.size)).toMatch(/^\d{1,3}(\.\d{1,3}){3}$/);
    } catch (error) {
      expect(error).toMatchObject({ code: "E_CONFIG" });
    }
  }
});

test("a pool that was made smaller gives no address outside of it", async () => {
  const { registry, store } = await withSites(["a", "b", "c"], { pool: "10.9.0.0/29" });
  await registry.removeSite("test", "acme", "a");

  const smaller = new Registry({ store, pool: parsePool("10.9.0.0/30"), wall: () => 0 });
  expect(await codeOf(smaller.sites())).toBe("E_CONFIG");
});

test("a pool that was made larger keeps every address and goes on behind the last", async () => {
  const { registry, store } = await withSites(["a", "b"], { pool: "10.9.0.0/30" });

  const larger = new Registry({ store, pool: parsePool("10.9.0.0/29"), wall: () => 0 });
  expect((await larger.addSite("test", "acme", "c", ["http"])).address).toBe("10.9.0.3");
  expect((await larger.site("acme", "a")).address).toBe((await registry.site("acme", "a")).address);
});

test("a registry that was never written to gives the first address first", async () => {
  const { registry } = await open();
  await registry.addTenant("test", "acme");
  expect((await registry.addSite("test", "acme", "a", ["http"])).address).toBe("127.64.0.1");
});
