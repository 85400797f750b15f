/** Addresses and Unix sockets where connections are taken: what stands in the way, and what is left behind. */

import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../../common/clock.ts";
import { type ListenAddress, Listener } from "../../common/listener.ts";
import { Cleanup, scratchDirectory } from "../lab/cleanup.ts";
import { freePort, until } from "../lab/farsite.ts";

const cleanup = new Cleanup();
afterAll(() => cleanup.run());
const folder = scratchDirectory(cleanup, "listener");
const RETRY = 5_000;

async function listenAt(address: ListenAddress) {
  const clock = new FakeClock();
  const failures: string[] = [];
  const taken: string[] = [];
  const listener = new Listener({
    address,
    clock,
    failed: (reason) => void failures.push(reason),
    take: (socket) => void taken.push(String(socket.end().remotePort ?? "unix")),
  });
  onTestFinished(() => listener.close());
  await listener.start();
  const again = async () => {
    clock.advance(RETRY);
    await until("another try", () => clock.pending === 1 || listener.failure === undefined);
  };
  return { listener, clock, failures, taken, again };
}

const serves = (path: string, taken: string[]) => {
  const before = taken.length;
  connect(path);
  return until("a client to be taken", () => taken.length > before);
};

test("a socket that was left behind is replaced, is for user and group only, and goes with its listener", async () => {
  const path = join(folder, "left.sock");
  // as a process that was killed leaves it: nobody listens, the file is there
  const left = createServer().listen(path);
  await once(left, "listening");
  const { listener, failures, taken } = await listenAt({ path });
  expect(failures).toEqual([]);
  expect(statSync(path).mode & 0o777).toBe(0o660);
  await serves(path, taken);
  listener.close();
  expect(existsSync(path)).toBe(false);
  left.close();
});

test("a file in the place of a socket stays, and is told once", async () => {
  const path = join(folder, "precious");
  writeFileSync(path, "precious");
  const { listener, failures, again } = await listenAt({ path });
  await again();
  await again();
  expect(failures).toEqual([expect.stringContaining("EADDRINUSE")]);
  listener.close();
  expect(statSync(path).isFile()).toBe(true);
});

test("a folder that is missing, or is none, is waited for", async () => {
  const place = join(folder, "later");
  const path = join(place, "x.sock");
  const { failures, taken, listener, again } = await listenAt({ path });
  writeFileSync(place, "in its place");
  await again();
  expect(failures).toHaveLength(2);
  rmSync(place);
  mkdirSync(place);
  await again();
  expect(listener.failure).toBeUndefined();
  await serves(path, taken);
});

test("a path that no socket can have says so", async () => {
  const { listener, failures, again } = await listenAt({ path: join(folder, "x".repeat(100)) });
  await again();
  expect(failures).toEqual(["the path is longer than 107 bytes"]);
  expect(listener.failure).toBe("the path is longer than 107 bytes");
});

test("one that is closed while it waits for its address does not come back", async () => {
  const port = await freePort();
  const other = createServer().listen(port, "127.0.0.1");
  await once(other, "listening");
  const { listener, clock, failures } = await listenAt({ host: "127.0.0.1", port });
  expect(failures).toEqual([expect.stringContaining("EADDRINUSE")]);
  listener.close();
  expect(clock.pending).toBe(0);
  other.close();
});

test("one that is closed before it listens leaves nothing", async () => {
  const inside = join(folder, "empty");
  mkdirSync(inside);
  const clock = new FakeClock();
  const listener = new Listener({ address: { path: join(inside, "a.sock") }, clock, failed() {}, take() {} });
  const started = listener.start();
  listener.close();
  await started;
  expect([readdirSync(inside), clock.pending]).toEqual([[], 0]);
});
