/** Short runs of the chaos test, as a program. What it does in earnest: docs/chaos.md. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { Report } from "../chaos/report.ts";
import { Cleanup, scratchDirectory } from "../lab/cleanup.ts";
import { ICINGA_PACKAGES } from "../lab/icinga.ts";
import { obstacleTo } from "../lab/obstacle.ts";
import { type LabProcess, launch } from "../lab/process.ts";

const MAIN = fileURLToPath(new URL("../chaos/main.ts", import.meta.url));
/** Its first 12 s have every kind of fault. */
const SEED = "731";

const obstacle = await obstacleTo("chaos", ICINGA_PACKAGES);

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

/** Starts a run whose files are all in `folder`; it is ready when the first fault happened. */
function start(folder: string, ...words: string[]): Promise<LabProcess> {
  return launch([process.execPath, MAIN, ...words], {
    label: "chaos",
    env: { TMPDIR: folder },
    onParentDeath: "TERM",
    ready: ({ output }) => /chaos: (\d+\.\d s:|\{)/.test(output),
    readyWithinMs: 60_000,
    cleanup,
  });
}

/** A run to its end: what it reports, and that it leaves nothing behind. */
async function run(...words: string[]): Promise<Report> {
  const folder = scratchDirectory(cleanup, "chaos");
  const child = await start(folder, ...words, "--json");
  const { code } = await child.exited;
  expect(code, child.output).toBe(0);
  expectNothingLeft(folder);
  return JSON.parse(child.output.trimEnd().split("\n").at(-1) ?? "") as Report;
}

/** No file in its folder, and no process that was started with one of it. */
function expectNothingLeft(folder: string): void {
  expect(readdirSync(folder)).toEqual([]);
  const commands = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return ""; // gone meanwhile
      }
    });
  expect(commands.filter((command) => command.includes(folder))).toEqual([]);
}

describe.skipIf(obstacle !== undefined)("chaos", () => {
  test("clients see nothing of a line that fails in every way", async () => {
    const report = await run("--seconds", "12", "--seed", SEED, "--dead-seconds", "2");
    expect(report).toMatchObject({
      failed: 0,
      wrong: 0,
      bulkCorrupt: 0,
      sessionsLost: 0,
      seed: Number(SEED),
    });
    expect(Object.keys(report).slice(0, 9)).toEqual([
      ...["seconds", "carriersKilled", "queries", "failed", "wrong"],
      ...["bulkBytes", "bulkCorrupt", "resumed", "longestStallMs"],
    ]);
    for (const key of ["carriersKilled", "queries", "bulkBytes", "resumed"] as const) {
      expect(report[key], key).toBeGreaterThan(0);
    }
    expect(report.faults).toMatchObject({ outage: expect.any(Number), throttle: expect.any(Number) });
  });

  test("black holes are noticed by either side, and streams go on", async () => {
    const report = await run("--mode", "blackhole", "--seconds", "10", "--dead-seconds", "2");
    expect(report).toMatchObject({ failed: 0, wrong: 0, bulkCorrupt: 0, sessionsLost: 0 });
    const kinds = report.holes?.map((hole) => hole.kind) ?? [];
    expect(kinds).toEqual(expect.arrayContaining(["both", "up", "down", "line"]));
    for (const hole of report.holes ?? []) expect(hole.hubNoticedMs).toBeGreaterThan(0);
  });

  test("a run that is interrupted leaves nothing behind", async () => {
    const folder = scratchDirectory(cleanup, "chaos");
    const child = await start(folder, "--mode", "kill");
    child.signal("SIGINT");
    expect(await child.exited).toEqual({ code: null, signal: "SIGINT" });
    expectNothingLeft(folder);
  });

  test("wrong usage says so", async () => {
    const child = await launch([process.execPath, MAIN, "--mode", "nothing"], { cleanup });
    expect((await child.exited).code).toBe(2);
    expect(child.output).toContain("mixed, kill, rollover, blackhole");
  });
});
