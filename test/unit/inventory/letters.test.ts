import { expect, test } from "vitest";
import { FakeClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import { pack } from "../../../common/msgpack.ts";
import { inventoryDigest, isInventoryName, MOST_LISTED, partsOfPath } from "../../../common/outbox/index.ts";
import { InventoryLane, inventoryConfig } from "../../../hub/inbox/inventory/index.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";

const DIGEST = Buffer.alloc(16, 1);

async function laneOf(config: object): Promise<InventoryLane> {
  const disk = new MemoryDisk();
  const log = new MemoryLog();
  return new InventoryLane(inventoryConfig.parse(config), {
    disk,
    clock: new FakeClock(),
    log,
    directory: () => "/box",
  });
}

const ONE = { sinks: { central: { folder: "/inventory", tenants: ["acme"] } } };

async function check(kind: string, body: unknown, config: object = ONE, tenant = "acme"): Promise<string> {
  const lane = await laneOf(config);
  try {
    const bytes = body instanceof Uint8Array ? Buffer.from(body) : pack(body);
    lane.rules.check({ tenant, site: "main", kind, body: bytes });
    return "taken";
  } catch (error) {
    return (error as Error).message;
  }
}

const fileOf = (path: string, modified: unknown = 1) => ({ path, modified, bytes: Buffer.from("x") });

test.each(["web", "web.gz", "web.json.gz", "WEB_1.example.org", "10.1.2.3", "_x", "1", "a".repeat(255)])(
  "%s is a name",
  (name) => {
    expect([isInventoryName(name), partsOfPath(`inventory/${name}`)?.names]).toEqual([true, [name]]);
  },
);

test.each([
  "",
  ".",
  "..",
  ".last",
  ".gz",
  "-rf",
  "a/b",
  "a\\b",
  "a b",
  "a\nb",
  "a\0",
  "ä",
  "a\u202eb",
  "a;b",
  "a".repeat(256),
])("%j is no name", (name) => {
  expect([isInventoryName(name), partsOfPath(`inventory/${name}`)]).toEqual([false, undefined]);
});

test.each([
  "web",
  "/inventory/web",
  "inventory",
  "inventory/",
  "inventory/a/b",
  "inventory/../x",
  "archive/web",
  "archive/../x",
  "archive/web/..",
  "archive/web/.x",
  "archive/web/1/2",
  "other/web",
  "INVENTORY/web",
  "inventory/web\n",
])("a file of the path %j is refused", async (path) => {
  expect(await check("file", fileOf(path))).toMatch(/not as agreed/);
  expect(await check("time", { path, modified: 1, size: 1, digest: DIGEST })).toMatch(/not as agreed/);
  expect(await check("gone", { files: [[path, 1, 1]] })).toMatch(/not as agreed/);
  const list = { after: "", last: true, files: [[path, 1, 1, DIGEST]] };
  expect(await check("list", list)).toMatch(/not as agreed/);
});

test("what is as agreed is taken", async () => {
  expect(await check("file", fileOf("inventory/web.gz"))).toBe("taken");
  expect(await check("file", fileOf("archive/web/1700000000"))).toBe("taken");
  expect(await check("time", { path: "inventory/web", modified: 1, size: 1, digest: DIGEST })).toBe("taken");
  expect(await check("gone", { files: [["inventory/web", 1, 1]] })).toBe("taken");
  expect(await check("complete", { files: 1, bytes: 1 })).toBe("taken");
});

test.each([
  ["no MessagePack", "file", Buffer.from([0xc1])],
  ["another kind", "script", { path: "inventory/web" }],
  ["a negative time", "file", fileOf("inventory/web", -1)],
  ["a time that is no number", "file", fileOf("inventory/web", "1")],
  ["a time beyond all", "file", fileOf("inventory/web", 1e300)],
  ["text where bytes belong", "file", { path: "inventory/web", modified: 1, bytes: "x" }],
  [
    "a digest that is too short",
    "time",
    { path: "inventory/web", modified: 1, size: 1, digest: Buffer.of(1) },
  ],
  [
    "a list out of order",
    "list",
    {
      after: "",
      last: true,
      files: [
        ["inventory/b", 1, 1, DIGEST],
        ["inventory/a", 1, 1, DIGEST],
      ],
    },
  ],
  [
    "too long a list",
    "list",
    {
      after: "",
      last: true,
      files: Array.from({ length: MOST_LISTED + 1 }, (_, at) => [`inventory/${1e6 + at}`, 1, 1, DIGEST]),
    },
  ],
])("%s is refused", async (_, kind, body) => {
  expect(await check(kind, body)).not.toBe("taken");
});

test("a file that is too large is refused", async () => {
  const config = { ...ONE, file_mib: 0.001 };
  const bytes = Buffer.alloc(1049);
  expect(await check("file", { path: "inventory/a", modified: 1, bytes }, config)).toMatch(
    /larger than 1048/,
  );
  const time = { path: "inventory/a", modified: 1, size: 1049, digest: inventoryDigest(bytes) };
  expect(await check("time", time, config)).toMatch(/larger than 1048/);
});

test("a name without the tenant's prefix is refused, in what is removed as well", async () => {
  const config = { ...ONE, host_prefix: { acme: "acme-", "globex/main": "gx-" } };
  expect(await check("file", fileOf("inventory/acme-web.gz"), config)).toBe("taken");
  expect(await check("file", fileOf("inventory/web"), config)).toBe("its host does not begin with acme-");
  expect(await check("file", fileOf("archive/web/1"), config)).toBe("its host does not begin with acme-");
  expect(await check("gone", { files: [["inventory/gx-web", 1, 1]] }, config)).toMatch(/does not begin/);
});

test("where tenants share a folder, only those that have a prefix may write there", async () => {
  const sinks = async (config: object, tenant: string) =>
    (await laneOf(config)).sinks({ tenant, site: "main" }).map(({ exact }) => exact.place);
  expect(await sinks({ sinks: { all: { folder: "/inventory" } } }, "acme")).toEqual([]);
  const shared = { sinks: { all: { folder: "/inventory" } }, host_prefix: { acme: "a-" } };
  expect([(await sinks(shared, "acme")).length, await sinks(shared, "globex")]).toEqual([1, []]);
  const apart = { sinks: { all: { folder: "/srv/{tenant}/{site}" } } };
  expect(await sinks(apart, "acme")).toEqual([
    JSON.stringify({ inventory: { folder: "/srv/acme/main", base: "/srv" } }),
  ]);
  const half = { sinks: { all: { folder: "/srv/{tenant}", archive: "/archive" } } };
  expect(await sinks(half, "acme")).toEqual([]);
  expect(await sinks(ONE, "globex")).toEqual([]);
});
