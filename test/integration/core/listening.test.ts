import { once } from "node:events";
import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { listensAt } from "../../../agent/core/index.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";

const cleanup = new Cleanup();
const folder = scratchDirectory(cleanup, "listening");
afterAll(() => cleanup.run());

async function listen(...path: string[]): Promise<string> {
  mkdirSync(join(folder, ...path.slice(0, -1)), { recursive: true });
  const socket = join(folder, ...path);
  const server = createServer().listen(socket);
  await once(server, "listening");
  cleanup.add("close a socket", () => server.close());
  return socket;
}

test("a socket at which somebody listens is known by its path, also over a link", async () => {
  const socket = await listen("site", "live");
  symlinkSync("site", join(folder, "other"));
  expect(listensAt(socket)).toBe(true);
  expect(listensAt(join(folder, "other", "live"))).toBe(true);
  expect(listensAt(join(folder, "site", "dead"))).toBe(false);
});

test("sockets of the same name that are gone, or under another path now, do not hide it", async () => {
  rmSync(await listen("gone", "core"));
  const moved = await listen("old", "core");
  renameSync(join(folder, "old"), join(folder, "new"));
  expect(listensAt(moved)).toBe(false);
  expect(listensAt(await listen("here", "core"))).toBe(true);
});
