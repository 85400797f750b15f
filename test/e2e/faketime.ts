/** Another clock for a process: libfaketime, of Debian's package `faketime`. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { ensurePackages } from "../lab/debian.ts";

export interface FakeTime {
  /** The environment of a process whose clock is off by so many hours; timers run as ever. */
  off(hours: number): Record<string, string>;
}

/** Undefined, with the reason on standard error, where clocks cannot be changed. */
export async function findFakeTime(): Promise<FakeTime | undefined> {
  await ensurePackages(["faketime"], { why: "testing with a clock that is wrong" });
  const [library] = globSync("/usr/lib/*/faketime/libfaketime.so.1");
  const off = (hours: number) => ({
    LD_PRELOAD: library ?? "",
    FAKETIME: `${hours < 0 ? "" : "+"}${hours}h`,
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  });
  const ask = spawnSync(process.execPath, ["-e", "process.stdout.write(String(Date.now()))"], {
    env: { ...process.env, ...off(-24) },
    encoding: "utf8",
  });
  const behind = Date.now() - Number(ask.stdout);
  if (library !== undefined && Math.abs(behind - 86_400_000) < 60_000) return { off };
  process.stderr.write(
    `LEFT OUT: wrong clocks: ${library ? `${library} does not work here` : "no faketime"}\n`,
  );
  return undefined;
}
