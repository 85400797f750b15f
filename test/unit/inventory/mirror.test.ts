import { expect, test } from "vitest";
import { sourcesOf } from "../outbox/rig.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";
import { COMPARE, FOLDER, HOLD, INTERVAL, Stage, sorted } from "./rig.ts";

const NEWER = 1_700_000_001_000_000;

/** A site with files of all kinds. */
function site(): Stage {
  const stage = new Stage();
  stage.put("inventory/web", "{'hardware': {}}\n", 1_700_000_000_123_456);
  stage.put("inventory/web.gz", "\x1f\x8b\0");
  stage.put("inventory/db.json", '{"Attributes": {}}');
  stage.put("archive/web/1700000000", "{'delta': 1}");
  return stage;
}

test("files arrive as they are, with their times; then only what has changed goes, and what is gone goes", async () => {
  const stage = await site().start();
  expect(sorted(stage.mirrored)).toEqual(sorted(stage.site));
  expect(stage.source.status()).toMatchObject({ files: 4, missing: 0, sent: 4, synced: expect.any(Number) });
  expect(stage.hub.sinks({ tenant: "acme", site: "main" })[0]?.holds).toMatchObject({
    files: 4,
    complete: expect.any(String),
  });
  const reads = stage.reads.length;
  await stage.look();
  expect(stage.reads.length).toBe(reads);

  stage.put("inventory/web", "{'hardware': {'cpu': 1}}\n", NEWER);
  stage.site.delete("inventory/db.json");
  await stage.look();
  expect(sorted(stage.mirrored)).toEqual(sorted(stage.site));
  expect(stage.source.status()).toMatchObject({ files: 3, sent: 5, removed: 1 });
  expect([stage.leftovers, stage.lane.length]).toEqual([[], 0]);
});

test("a file whose time alone has changed is not sent again, but has the new time", async () => {
  const stage = await site().start();
  const text = "x".repeat(900);
  stage.put("inventory/big", text);
  await stage.look();
  const before = stage.box.status().received;
  stage.put("inventory/big", text, NEWER);
  let largest = 0;
  const { receive } = stage.box;
  stage.box.receive = (epoch, head, sealed) => {
    largest = Math.max(largest, sealed.length);
    expect(["time", "complete"]).toContain(head.kind);
    receive.call(stage.box, epoch, head, sealed);
  };
  await stage.look();
  expect(stage.box.status().received).toBe(before + 2);
  expect(sorted(stage.mirrored)).toEqual(sorted(stage.site));
});

test("a time for a file that the hub has lost makes the agent send all of it", async () => {
  const stage = await site().start();
  stage.hubDisk.take(`${FOLDER}/web`);
  stage.put("inventory/web", "{'hardware': {}}\n", NEWER);
  await stage.look();
  expect(sorted(stage.mirrored)).toEqual(sorted(stage.site));
});

test("an older version that waits gives way to the newer one", async () => {
  const stage = await site().start();
  stage.line.courier.stop();
  for (let version = 1; version <= 5; version++) {
    stage.put("inventory/web", `version ${version}`, NEWER + version);
    await stage.look();
  }
  expect(await sourcesOf(stage.lane)).toEqual([expect.stringMatching(/^file inventory\/web /)]);
  expect(stage.lane.status().superseded).toBe(4);
  const taken: string[] = [];
  stage.hubDisk.onRename = (to) => {
    if (to === `${FOLDER}/web`) taken.push(String(stage.hubDisk.files.get(to)));
  };
  stage.connect();
  await stage.rest();
  expect(taken).toEqual(["version 5"]);
});

test("what waits is bounded, and all of it goes in the end", async () => {
  const stage = await new Stage().start();
  stage.line.courier.stop();
  for (let host = 0; host < 300; host++) stage.put(`inventory/host-${host}`, `host ${host}`);
  await stage.look();
  // the list that they agree on first is all that goes without an answer
  expect(stage.lane.length).toBe(1);
  stage.connect();
  for (let i = 0; i < 40 && stage.source.status().missing > 0; i++) await stage.rest();
  expect(sorted(stage.mirrored)).toEqual(sorted(stage.site));
}, 60_000);

test("a folder that cannot be listed changes nothing, and says why", async () => {
  const stage = await site().start();
  const before = sorted(stage.mirrored);
  stage.failure = "ENOENT: no such folder";
  await stage.look();
  expect(stage.source.status().problem).toContain("ENOENT");
  stage.failure = undefined;
  await stage.look();
  expect(sorted(stage.mirrored)).toEqual(before);
  expect(stage.source.status().problem).toBeUndefined();
});

test("an empty folder of another device removes nothing, however long; other files gone there, after a time", async () => {
  const stage = await site().start();
  const before = sorted(stage.mirrored);
  const files = new Map(stage.site);
  stage.site.clear();
  stage.identity = "2:2";
  await stage.look();
  await stage.look(HOLD);
  await stage.look(COMPARE);
  expect(sorted(stage.mirrored)).toEqual(before);
  expect(stage.source.status()).toMatchObject({ files: 4, held: 4 });
  expect(stage.log.lines.map(({ message }) => message)).toContain(
    "many files are gone at once; the hub keeps them",
  );
  // it is there again, in part
  for (const [path, file] of files) if (path.startsWith("inventory/")) stage.site.set(path, file);
  await stage.look();
  expect(stage.source.status().held).toBe(0);
});

test("many files that are gone at once stay for the time that is set; a few go at once", async () => {
  const stage = new Stage();
  for (let host = 0; host < 40; host++) stage.put(`inventory/host-${host}`, `host ${host}`);
  await stage.start();
  for (let host = 0; host < 25; host++) stage.site.delete(`inventory/host-${host}`);
  await stage.look();
  expect([stage.mirrored.size, stage.source.status().held]).toEqual([40, 25]);
  // also over a comparison, and a start that knows nothing of the waiting
  await stage.source.stop();
  await stage.startAgent();
  stage.connect();
  stage.source.start(stage.lane);
  await stage.rest();
  expect([stage.mirrored.size, stage.source.status().held]).toEqual([40, 25]);
  await stage.look(HOLD + INTERVAL);
  expect([stage.mirrored.size, stage.source.status().held]).toEqual([15, 0]);
  for (let host = 25; host < 32; host++) stage.site.delete(`inventory/host-${host}`);
  await stage.look();
  expect(stage.mirrored.size).toBe(8);
});

test("what became too large, or cannot be read, stays as it was at the hub", async () => {
  const stage = await site().start();
  stage.put("inventory/web", "x".repeat(1001), NEWER);
  stage.put("inventory/db.json", "new", NEWER);
  stage.unreadable.add("inventory/db.json");
  await stage.look();
  await stage.look(COMPARE);
  expect(String(stage.mirrored.get("inventory/web")?.bytes)).toBe("{'hardware': {}}\n");
  expect(String(stage.mirrored.get("inventory/db.json")?.bytes)).toBe('{"Attributes": {}}');
  expect(stage.log.lines.map(({ message }) => message)).toContain("a file of the inventory is not mirrored");
  stage.unreadable.clear();
  await stage.look();
  expect(String(stage.mirrored.get("inventory/db.json")?.bytes)).toBe("new");
});

test("an agent that has lost what it knew reads everything, and sends nothing that the hub has", async () => {
  const stage = await site().start();
  const received = stage.box.status().received;
  stage.site.delete("inventory/web.gz");
  stage.put("inventory/new", "new");
  await stage.source.stop();
  stage.agentDisk = new MemoryDisk();
  await stage.startAgent();
  stage.connect();
  stage.source.start(stage.lane);
  await stage.rest();
  // a list, the new file, and that all is there
  expect(stage.box.status().received).toBe(received + 3);
  expect(sorted(stage.mirrored)).toEqual(sorted(stage.site));
});

test("a hub that was restored from a backup gets what it lacks", async () => {
  const stage = await site().start();
  stage.hubDisk.take(`${FOLDER}/web`);
  stage.hubDisk.files.set(`${FOLDER}/db.json`, Buffer.from("as it was"));
  stage.hubDisk.modified.set(`${FOLDER}/db.json`, 1);
  await stage.look();
  expect(stage.mirrored.size).toBe(3);
  await stage.look(COMPARE);
  expect(sorted(stage.mirrored)).toEqual(sorted(stage.site));
  expect(stage.source.status().sent).toBe(6);
});

test("more files than fit into one list are agreed on in parts, with what the hub should not have", async () => {
  const stage = new Stage();
  stage.listed = 10;
  for (let host = 10; host < 45; host++) stage.put(`inventory/host-${host}`, `${host}`);
  await stage.start();
  for (let i = 0; i < 40 && stage.mirrored.size < 35; i++) await stage.rest();
  expect(stage.mirrored.size).toBe(35);
  await stage.source.stop();
  stage.agentDisk = new MemoryDisk();
  // in the middle of a part, at its edge, and at the end
  for (const host of [15, 29, 44]) stage.site.delete(`inventory/host-${host}`);
  await stage.startAgent();
  stage.connect();
  stage.source.start(stage.lane);
  for (let i = 0; i < 40 && stage.source.status().synced === undefined; i++) await stage.rest();
  expect(stage.source.status()).toMatchObject({ files: 32, sent: 0 });
  expect(sorted(stage.mirrored)).toEqual(sorted(stage.site));
}, 60_000);

test("what the hub refuses is not sent again as it is", async () => {
  const stage = site();
  stage.config = { host_prefix: { acme: "web" } };
  await stage.start();
  expect([...stage.mirrored.keys()].toSorted()).toEqual([
    "archive/web/1700000000",
    "inventory/web",
    "inventory/web.gz",
  ]);
  expect(stage.refused).toEqual(["its host does not begin with web"]);
  await stage.look();
  expect([stage.refused.length, stage.source.status().refused]).toEqual([1, 1]);
  stage.put("inventory/db.json", "new", NEWER);
  await stage.look();
  expect(stage.refused.length).toBe(2);
});

test("a site takes no more room than it may", async () => {
  const stage = new Stage();
  stage.config = { files: 2, mib: 0.001 };
  stage.put("inventory/a", "a");
  stage.put("inventory/b", "b".repeat(900));
  stage.put("inventory/c", "c");
  await stage.start();
  await stage.look();
  expect([...stage.mirrored.keys()]).toEqual(["inventory/a", "inventory/b"]);
  stage.put("inventory/a", "a".repeat(900), NEWER);
  await stage.look();
  expect(String(stage.mirrored.get("inventory/a")?.bytes)).toBe("a");
  expect(stage.refused.join()).toContain("MiB");
});
