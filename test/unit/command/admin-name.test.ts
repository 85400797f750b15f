import { spawnSync } from "node:child_process";
import { afterEach, expect, test, vi } from "vitest";
import { adminName } from "../../../hub/command/admin-name.ts";

afterEach(() => vi.unstubAllEnvs());

test("who runs the command line is found out where the environment names nobody, and not taken from it", () => {
  vi.stubEnv("SUDO_USER", undefined);
  const name = spawnSync("id", ["-un"], { encoding: "utf8" }).stdout.trim();
  for (const said of [undefined, "zoe"]) {
    vi.stubEnv("USER", said);
    vi.stubEnv("LOGNAME", said);
    expect(adminName()).toBe(name);
  }
});

test("behind sudo it is the one who called that", () => {
  vi.stubEnv("SUDO_USER", "zoe");
  const root = process.getuid?.() === 0;
  expect(adminName() === "zoe").toBe(root);
});

test("a user without a name has a number", () => {
  vi.stubEnv("SUDO_USER", undefined);
  vi.stubEnv("PATH", "/nowhere");
  expect(adminName()).toBe(`uid ${process.getuid?.()}`);
});
