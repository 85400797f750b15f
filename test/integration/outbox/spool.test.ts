import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { Lane, type LaneOptions } from "../../../agent/outbox/lane/index.ts";
import { NotifyWatcher, SpoolFiles } from "../../../agent/outbox/notify/index.ts";
import { systemClock } from "../../../common/clock.ts";
import { systemDisk } from "../../../common/disk.ts";
import { MemoryLog } from "../../../common/log.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { Opener, Sealer } from "../../../common/outbox/index.ts";
import { systemRandom } from "../../../common/random.ts";
import { writeNotification, writeWhole } from "../../chaos/spool/notification.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { until } from "../../lab/farsite.ts";

const HUB = KeyPair.identity(systemRandom);
const cleanup = new Cleanup();
afterAll(() => cleanup.run());

/** A site's spool with a watcher that fills a lane. */
class Stage {
  readonly folder = scratchDirectory(cleanup, "spool");
  readonly spool = join(this.folder, "spool");
  readonly corrupted = join(this.folder, "corrupted");
  readonly log = new MemoryLog();
  readonly watcher = new NotifyWatcher({
    files: new SpoolFiles(this.spool, this.corrupted),
    clock: systemClock,
    log: this.log,
  });
  lane!: Lane;

  constructor() {
    mkdirSync(this.spool);
  }

  async start(limits: Partial<LaneOptions["limits"]> = {}): Promise<void> {
    this.lane = await Lane.open({
      name: "notify",
      disk: systemDisk,
      directory: join(this.folder, "outbox"),
      sealer: new Sealer(() => HUB.publicKey.bytes, systemRandom),
      limits: { items: 1000, bytes: 1 << 24, age: 1e12, ...limits },
      full: "refuse",
      source: this.watcher,
      clock: systemClock,
      random: systemRandom,
      log: this.log,
    });
    this.watcher.start(this.lane);
    onTestFinished(() => this.stop());
  }

  async stop(): Promise<void> {
    await this.watcher.stop();
    await this.lane.close();
  }

  /** Waits until the lane has so many items. */
  queues(count: number): Promise<void> {
    return until(`${count} items`, () => this.lane.length === count);
  }

  /** The numbers of what is queued. */
  async numbers(): Promise<number[]> {
    const numbers: number[] = [];
    const opener = new Opener(() => [HUB]);
    for (const { queue } of [this.lane.front!]) {
      for (const entry of queue.entries()) {
        const body = opener.open((await queue.read(entry))!.body, 1 << 20);
        numbers.push(Number(JSON.parse(body.toString()).context.NUMBER));
      }
    }
    return numbers;
  }
}

test("what was there before the start is taken in order, and what comes afterwards at once", async () => {
  const stage = new Stage();
  for (let number = 1; number <= 5; number++) {
    writeNotification(stage.spool, number);
    await Bun.sleep(10); // so that the times of the files differ
  }
  await stage.start();
  await stage.queues(5);
  for (let number = 6; number <= 20; number++) writeNotification(stage.spool, number);
  await stage.queues(20);
  expect(await stage.numbers()).toEqual([...Array(20).keys()].map((n) => n + 1));
  expect(readdirSync(stage.spool)).toHaveLength(20);
});

test("a file goes away only when the hub has what was in it, and is taken once over restarts", async () => {
  const stage = new Stage();
  writeNotification(stage.spool, 1);
  writeNotification(stage.spool, 2);
  await stage.start();
  await stage.queues(2);
  await stage.stop();
  const again = new NotifyWatcher({
    files: new SpoolFiles(stage.spool, stage.corrupted),
    clock: systemClock,
    log: stage.log,
  });
  Object.assign(stage, { watcher: again });
  await stage.start();
  writeNotification(stage.spool, 3);
  await stage.queues(3);
  stage.lane.acknowledge(stage.lane.front!, 2);
  await stage.queues(1);
  expect(readdirSync(stage.spool)).toHaveLength(1);
});

test("a file that was written anew since it was queued is not removed, but queued as well", async () => {
  const stage = new Stage();
  await stage.start();
  const name = writeNotification(stage.spool, 1);
  await stage.queues(1);
  writeWhole(stage.spool, name, "{'context': {'HOSTNAME': 'h', 'NUMBER': '2'}, 'forward': True}");
  await stage.queues(2);
  stage.lane.acknowledge(stage.lane.front!, 1);
  await stage.queues(1);
  expect(existsSync(join(stage.spool, name))).toBe(true);
});

test("dot files, temporary files and what is for others stay where they are", async () => {
  const stage = new Stage();
  const others = [".hidden", "x.new", "a.b"];
  for (const name of others)
    writeFileSync(join(stage.spool, name), "{'context': {'HOSTNAME': 'h'}, 'forward': True}");
  writeWhole(stage.spool, "local", "{'context': {'HOSTNAME': 'h'}, 'plugin': None}");
  await stage.start();
  writeNotification(stage.spool, 1);
  await stage.queues(1);
  expect(readdirSync(stage.spool).toSorted()).toEqual(expect.arrayContaining([...others, "local"]));
  expect(stage.watcher.status()).toMatchObject({ taken: 1, corrupted: 0, refused: 0, problem: undefined });
});

/** Two minutes ago: long enough for a file to be finished. */
function old(path: string): void {
  execFileSync("touch", ["--no-dereference", "--date", "2 minutes ago", path]);
}

test.each([
  ["no literal", "hello"],
  ["nested to the limit", "[".repeat(1 << 20)],
  ["code", "__import__('os').system('touch /tmp/x')"],
  ["cut short", "{'context': {'HOSTNAME': 'h'"],
  ["empty", ""],
])("a file that is %s goes to the corrupted ones, and the rest is taken", async (_, text) => {
  const stage = new Stage();
  writeFileSync(join(stage.spool, "bad"), text);
  old(join(stage.spool, "bad"));
  writeNotification(stage.spool, 1);
  await stage.start();
  await stage.queues(1);
  await until("it to be moved", () => existsSync(join(stage.corrupted, "bad")));
  expect(readFileSync(join(stage.corrupted, "bad"), "utf8")).toBe(text);
  expect(stage.watcher.status().corrupted).toBe(1);
  expect(stage.log.lines.filter(({ message }) => message === "a spool file is corrupted")).toHaveLength(1);
});

test("a file whose name is none of Checkmk's is refused, reported once on one line, and left alone", async () => {
  const stage = new Stage();
  for (const name of ["a b", "a\nb", "ü", "$(id)", "a".repeat(129)])
    writeFileSync(join(stage.spool, name), "{'context': {'HOSTNAME': 'h'}, 'forward': True}");
  await stage.start();
  writeNotification(stage.spool, 1);
  await stage.queues(1);
  await until("all to be refused", () => stage.watcher.status().refused === 5);
  const files = stage.log.lines.map(({ fields }) => String(fields.file));
  expect([files.length, files.filter((file) => /\n/.test(file))]).toEqual([5, []]);
  expect(readdirSync(stage.spool)).toHaveLength(6);
});

test("a link, a pipe, a directory and a huge file are refused, reported once, and the rest is taken", async () => {
  const stage = new Stage();
  const secret = join(stage.folder, "secret");
  writeFileSync(secret, "{'context': {'HOSTNAME': 'secret'}, 'forward': True}");
  symlinkSync(secret, join(stage.spool, "link"));
  execFileSync("mkfifo", [join(stage.spool, "pipe")]);
  mkdirSync(join(stage.spool, "directory"));
  execFileSync("truncate", ["--size", "1G", join(stage.spool, "huge")]);
  await stage.start();
  writeNotification(stage.spool, 1);
  await stage.queues(1);
  await until("all to be refused", () => stage.watcher.status().refused === 4);
  expect(stage.log.lines.map(({ fields }) => fields.reason)).toEqual(
    expect.arrayContaining([
      "it is a symbolic link",
      "it is no regular file",
      "it is no regular file",
      "it is larger than 1048576 bytes",
    ]),
  );
  expect(stage.lane.length).toBe(1);
  expect(existsSync(secret)).toBe(true);
});

test("a file that is still being written is taken when it is whole", async () => {
  const stage = new Stage();
  await stage.start();
  writeFileSync(join(stage.spool, "slow"), "{'context': {'HOSTNAME': ");
  await until("it to be seen", () => existsSync(join(stage.spool, "slow")));
  writeFileSync(join(stage.spool, "slow"), "'h', 'NUMBER': '1'}, 'forward': True}", { flag: "a" });
  await stage.queues(1);
  expect([existsSync(stage.corrupted), stage.watcher.status().corrupted]).toEqual([false, 0]);
});

test("while the outbox is full files stay, which is said, and they are taken in order when there is room", async () => {
  const stage = new Stage();
  await stage.start({ items: 2 });
  for (let number = 1; number <= 4; number++) {
    writeNotification(stage.spool, number);
    await Bun.sleep(10); // so that the times of the files differ
  }
  await until("it to be full", () => stage.watcher.status().problem?.includes("full") === true);
  expect([stage.lane.length, readdirSync(stage.spool).length]).toEqual([2, 4]);
  stage.lane.acknowledge(stage.lane.front!, 2);
  await until("the others", () => stage.watcher.status().taken === 4);
  expect(await stage.numbers()).toEqual([3, 4]);
  expect(stage.watcher.status().problem).toBeUndefined();
}, 30_000);

test("a spool folder that comes late, or anew, is found", async () => {
  const stage = new Stage();
  rmSync(stage.spool, { recursive: true });
  await stage.start();
  await until("it to be missed", () => stage.watcher.status().problem?.includes("spool folder") === true);
  mkdirSync(join(stage.folder, "other"));
  writeNotification(join(stage.folder, "other"), 1);
  renameSync(join(stage.folder, "other"), stage.spool);
  await stage.queues(1);
  expect(stage.watcher.status().problem).toBeUndefined();
}, 30_000);

test("what the hub refuses goes to the corrupted files", async () => {
  const stage = new Stage();
  await stage.start();
  const name = writeNotification(stage.spool, 1);
  await stage.queues(1);
  await stage.lane.refuse(stage.lane.front!, 1, "not like this");
  expect([readdirSync(stage.spool), readdirSync(stage.corrupted), stage.lane.length]).toEqual([
    [],
    [name],
    0,
  ]);
});
