import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { CoreInventory } from "../../../agent/outbox/inventory/index.ts";

const LITERAL = Buffer.from("{'hardware': {'cpu': {'model': u'x\\xe4'}}}\n");
const JSON_TEXT = Buffer.from('{"Nodes": {}, "Attributes": {"Pairs": {"k": "ä"}}}');

function core(hosts: Record<string, { last: number; gz?: Buffer | string }>, largest = 1 << 20, most = 100) {
  const queries: string[] = [];
  const inventory = new CoreInventory({
    ask: async (query) => {
      queries.push(query);
      const [, only] = /\nFilter: name = (.*)$/.exec(query) ?? [];
      return Object.entries(hosts)
        .filter(([name]) => only === undefined || name === only)
        .map(([name, { last, gz = "" }]) =>
          only === undefined ? [name, last] : [last, typeof gz === "string" ? gz : gz.toString("latin1")],
        );
    },
    place: "unix:/live",
    largest,
    most,
  });
  return { inventory, queries };
}

test("hosts that have an inventory have two files of its time, the packed one and what comes out of it", async () => {
  const hosts = {
    web: { last: 1_700_000_000, gz: gzipSync(LITERAL) },
    db: { last: 1_700_000_005, gz: gzipSync(JSON_TEXT) },
    none: { last: 0 },
  };
  const { inventory } = core(hosts);
  const { files, left, strange } = await inventory.list();
  expect([...files].map(([path, { modified, size }]) => [path, modified, size])).toEqual([
    ["inventory/web", 1_700_000_000_000_000, undefined],
    ["inventory/web.gz", 1_700_000_000_000_000, undefined],
    ["inventory/db", 1_700_000_005_000_000, undefined],
    ["inventory/db.gz", 1_700_000_005_000_000, undefined],
  ]);
  expect([left.size, strange]).toEqual([0, []]);
  // whatever is in it, byte for byte
  expect((await inventory.read("inventory/web.gz"))?.bytes.equals(hosts.web.gz)).toBe(true);
  expect((await inventory.read("inventory/web"))?.bytes.equals(LITERAL)).toBe(true);
  expect((await inventory.read("inventory/db"))?.bytes.equals(JSON_TEXT)).toBe(true);
  expect(await inventory.read("inventory/none.gz")).toBeUndefined();
  expect(await inventory.read("inventory/other")).toBeUndefined();
});

test("names that would end a line, or are no host's, are never asked for", async () => {
  const { inventory, queries } = core({
    "a\nColumns: x": { last: 1 },
    "../x": { last: 1 },
    "x.gz": { last: 1 },
    ok: { last: 1 },
  });
  const { files, strange } = await inventory.list();
  expect([[...files.keys()], strange]).toEqual([
    ["inventory/ok", "inventory/ok.gz"],
    ["a\nColumns: x", "../x", "x.gz"],
  ]);
  for (const path of files.keys()) await inventory.read(path);
  expect(queries.slice(1)).toEqual(
    Array(2).fill("GET hosts\nColumns: mk_inventory_last mk_inventory_gz\nFilter: name = ok"),
  );
});

test.each([
  ["is no packed file", Buffer.from("plain"), "inventory/h.gz", /no packed file/],
  ["is no bytes", "\u1234\u5678", "inventory/h.gz", /no bytes/],
  ["is cut short", gzipSync(LITERAL).subarray(0, 20), "inventory/h", /cannot be unpacked/],
  ["unpacks into too much", gzipSync(Buffer.alloc(1 << 20)), "inventory/h", /larger than 4096/],
  ["is too large", gzipSync(Bun.randomUUIDv7().repeat(2000), { level: 0 }), "inventory/h.gz", /larger than/],
])("what %s is refused", async (_, gz, path, reason) => {
  const { inventory } = core({ h: { last: 1, gz } }, 4096);
  await expect(inventory.read(path)).rejects.toThrow(reason);
});

test("a core without any host says nothing about what is gone", async () => {
  await expect(core({}).inventory.list()).rejects.toThrow("no hosts");
});

test("there are no more files than are wanted", async () => {
  const { files, left } = await core({ a: { last: 1 }, b: { last: 1 } }, 1 << 20, 3).inventory.list();
  expect([files.size, [...left.keys()]]).toEqual([3, ["inventory/b.gz"]]);
});
