/** A short run of the spool's chaos test, as a program. What it does in earnest: docs/outbox.md. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import type { Report } from "../../chaos/spool/run.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { launch } from "../../lab/process.ts";

const MAIN = fileURLToPath(new URL("../../chaos/spool/main.ts", import.meta.url));
const SEED = "7";

const cleanup = new Cleanup();
afterAll(() => cleanup.run());

test("nothing is lost, nothing comes twice or out of order, whoever is killed, and nothing is left behind", async () => {
  const folder = scratchDirectory(cleanup, "chaos");
  const child = await launch([process.execPath, MAIN, "--seconds", "12", "--seed", SEED, "--json"], {
    label: "chaos:spool",
    env: { TMPDIR: folder },
    onParentDeath: "TERM",
    cleanup,
  });
  const { code } = await child.exited;
  expect(code, child.output).toBe(0);
  const report = JSON.parse(child.output.trimEnd().split("\n").at(-1) ?? "") as Report;
  expect(report).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, seed: Number(SEED) });
  expect(report.delivered).toBe(report.written);
  expect(report.written).toBeGreaterThan(100);
  expect(report.kills).toBeGreaterThan(3);
  if (process.getuid?.() === 0) expect(report.fullDisks).toBeGreaterThan(0);
  else console.warn("LEFT OUT: full disks: only root can mount them");
  expect(readdirSync(folder)).toEqual([]);
});

test("wrong usage says so", async () => {
  const child = await launch([process.execPath, MAIN, "--seconds", "nothing"], { cleanup });
  expect((await child.exited).code).toBe(2);
});
