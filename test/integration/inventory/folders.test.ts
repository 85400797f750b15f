/** A site's folders as they really are, with what a hostile or careless hand may put there. */
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { Folders } from "../../../agent/outbox/inventory/index.ts";
import { systemClock } from "../../../common/clock.ts";
import { systemDisk } from "../../../common/disk.ts";
import { MemoryLog } from "../../../common/log.ts";
import { pack } from "../../../common/msgpack.ts";
import { InventoryLane, inventoryConfig } from "../../../hub/inbox/inventory/index.ts";
import type { Letter } from "../../../hub/inbox/letter/index.ts";
import type { Sink } from "../../../hub/inbox/sink/index.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { until } from "../../lab/farsite.ts";

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

/** A site's two folders, with a secret beside them. */
function site(changes: { largest?: number; most?: number } = {}) {
  const top = scratchDirectory(cleanup, "inventory");
  const folder = join(top, "inventory");
  const archive = join(top, "inventory_archive");
  for (const each of [folder, archive]) mkdirSync(each);
  writeFileSync(join(top, "secret"), "secret");
  writeFileSync(join(folder, ".last"), "");
  const folders = new Folders({ folder, archive, largest: 1000, most: 100, ...changes });
  return { top, folder, archive, folders };
}

test("both forms of a tree, packed or not, are read byte for byte, with their times", async () => {
  const { folder, archive, folders } = site();
  const files = {
    web: "{'hardware': {'cpu': {'model': u'x\\xe4'}}}\n",
    "web.gz": gzipSync("{'hardware': {}}"),
    "db.json": '{"Nodes": {}, "Attributes": {}}',
    "db.json.gz": gzipSync('{"Nodes": {}}'),
  };
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(join(folder, name), bytes);
    utimesSync(join(folder, name), 1_700_000_000.25, 1_700_000_000.25);
  }
  mkdirSync(join(archive, "web"));
  writeFileSync(join(archive, "web/1700000000"), "{'delta': 1}");
  const listing = await folders.list();
  expect([...listing.files.keys()]).toEqual([
    "inventory/db.json",
    "inventory/db.json.gz",
    "inventory/web",
    "inventory/web.gz",
    "archive/web/1700000000",
  ]);
  expect([listing.left.size, listing.strange]).toEqual([0, []]);
  for (const [name, bytes] of Object.entries(files)) {
    const version = listing.files.get(`inventory/${name}`);
    expect(version).toEqual({ modified: 1_700_000_000_250_000, size: bytes.length });
    const content = await folders.read(`inventory/${name}`);
    expect([content?.bytes.equals(Buffer.from(bytes)), content?.modified]).toEqual([true, version?.modified]);
  }
  expect(String((await folders.read("archive/web/1700000000"))?.bytes)).toBe("{'delta': 1}");
});

test("links, pipes, folders, what is large and names that are none are left alone, and nothing waits", async () => {
  const { top, folder, archive, folders } = site();
  symlinkSync(join(top, "secret"), join(folder, "link"));
  symlinkSync(top, join(archive, "linked"));
  execFileSync("mkfifo", [join(folder, "pipe")]);
  mkdirSync(join(folder, "directory"));
  writeFileSync(join(folder, "large"), "x".repeat(1001));
  for (const name of ["a b", "a\nb", "-rf", "ä", "ok"]) writeFileSync(join(folder, name), "x");
  writeFileSync(join(folder, ".hidden"), "x");
  const { files, left, strange } = await folders.list();
  expect([...files.keys()]).toEqual(["inventory/ok"]);
  expect(Object.fromEntries(left)).toEqual({
    "inventory/directory": "it is no regular file",
    "inventory/large": "it is larger than 1000 bytes",
    "inventory/link": "it is a symbolic link",
    "inventory/pipe": "it is no regular file",
  });
  expect(strange.toSorted()).toEqual(["-rf", "a\nb", "a b", "ä"].toSorted());
  // also when they take a file's place after it was listed
  for (const path of ["inventory/link", "inventory/pipe", "inventory/large", "inventory/directory"]) {
    await expect(folders.read(path)).rejects.toThrow();
  }
  await expect(folders.read("archive/linked/secret")).rejects.toThrow();
  for (const path of ["inventory/../secret", "archive/../secret", "secret", "inventory/gone"]) {
    expect(await folders.read(path)).toBeUndefined();
  }
});

test("a file that is replaced again and again is read whole", async () => {
  const { folder, folders } = site({ largest: 1 << 24 });
  const path = join(folder, "web");
  let writing = true;
  const writer = (async () => {
    for (let round = 0; writing; round++) {
      writeFileSync(`${path}.new`, String(round % 10).repeat(200_000 + (round % 10)));
      renameSync(`${path}.new`, path);
      await new Promise((done) => setImmediate(done));
    }
  })();
  try {
    for (let round = 0; round < 100; round++) {
      const content = await folders.read("inventory/web");
      const digit = String(content?.bytes).slice(0, 1);
      expect(content?.bytes.equals(Buffer.from(digit.repeat(200_000 + Number(digit))))).toBe(true);
    }
  } finally {
    writing = false;
    await writer;
  }
});

test("a file that grows while it is read is not taken for whole", async () => {
  const { folder, folders } = site({ largest: 1 << 28 });
  const path = join(folder, "web");
  writeFileSync(path, Buffer.alloc(16 << 20));
  const writer = spawn("sh", ["-c", `while :; do printf x >> ${path}; done`], { stdio: "ignore" });
  try {
    // between two of its writes it may stand still for as long as a read takes
    await until("a read during which it grew", () =>
      folders.read("inventory/web").then(
        () => false,
        (error: Error) => error.message === "it changes while it is read",
      ),
    );
  } finally {
    writer.kill("SIGKILL");
  }
});

test("a folder that is gone, or may not be listed, is a failure and not an empty one; no archive is none", async () => {
  const { folder, archive, folders } = site();
  writeFileSync(join(folder, "web"), "x");
  rmSync(archive, { recursive: true });
  const { identity, files } = await folders.list();
  expect([...files.keys()]).toEqual(["inventory/web"]);
  renameSync(folder, `${folder}.away`);
  await expect(folders.list()).rejects.toThrow("ENOENT");
  mkdirSync(folder);
  expect((await folders.list()).identity).not.toBe(identity);
  if (process.getuid?.() === 0) return;
  chmodSync(folder, 0o000);
  await expect(folders.list()).rejects.toThrow("EACCES");
  chmodSync(folder, 0o755);
});

test("the archive is looked at again where it has changed", async () => {
  const { archive, folders } = site();
  mkdirSync(join(archive, "web"));
  writeFileSync(join(archive, "web/1"), "1");
  const count = async () => (await folders.list()).files.size;
  expect(await count()).toBe(1);
  writeFileSync(join(archive, "web/2"), "2");
  expect(await count()).toBe(2);
  rmSync(join(archive, "web"), { recursive: true });
  expect(await count()).toBe(0);
});

test("beyond the number that is allowed files stay where they are", async () => {
  const { folder, folders } = site({ most: 2 });
  for (const name of ["a", "b", "c"]) writeFileSync(join(folder, name), name);
  const { files, left } = await folders.list();
  expect([[...files.keys()], [...left.keys()]]).toEqual([["inventory/a", "inventory/b"], ["inventory/c"]]);
});

test("at the hub files get their times and are their group's; folders of names are made below what is there", async () => {
  const top = scratchDirectory(cleanup, "central");
  const umask = process.umask(0o077);
  try {
    const lane = new InventoryLane(
      inventoryConfig.parse({
        sinks: { copies: { folder: join(top, "{tenant}/{site}"), archive: join(top, "old-{tenant}") } },
      }),
      {
        disk: systemDisk,
        clock: systemClock,
        log: new MemoryLog(),
        directory: () => top,
      },
    );
    const { exact } = lane.sinks({ tenant: "acme", site: "main" })[0] as Sink;
    const letters = [
      { path: "inventory/web.gz", modified: 1_700_000_000_123_456, bytes: gzipSync("x") },
      { path: "archive/web/1", modified: 1_600_000_000_000_000, bytes: Buffer.from("1") },
    ].map(
      (body, at): Letter => ({
        tenant: "acme",
        site: "main",
        sequence: at,
        id: `id-${at}`,
        idempotencyKey: "",
        time: 0,
        kind: "file",
        body: pack(body),
      }),
    );
    await exact!.stage(letters);
    await exact!.settle(letters, exact!.place);
  } finally {
    process.umask(umask);
  }
  const file = statSync(join(top, "acme/main/web.gz"));
  expect([file.mode & 0o777, Math.round(file.mtimeMs * 1000)]).toEqual([0o660, 1_700_000_000_123_456]);
  expect(statSync(join(top, "acme/main")).mode & 0o7777).toBe(0o2770);
  expect(statSync(join(top, "old-acme/web")).mode & 0o7777).toBe(0o2770);
  expect(readFileSync(join(top, "old-acme/web/1"), "utf8")).toBe("1");
});
