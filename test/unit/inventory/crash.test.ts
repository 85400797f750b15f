import { expect, test } from "vitest";
import { sourcesOf } from "../outbox/rig.ts";
import { FOLDER, Stage, sorted } from "./rig.ts";

const NEWER = 1_700_000_001_000_000;
/** More than the steps on either disk in which a new, a changed, a touched and a removed file go over. */
const STEPS = 64;
/** ms for all of them, on a machine that is busy. */
const PATIENCE = 120_000;

/** A mirrored site in which then something of every kind happens; gives whether a file at the hub was ever torn. */
async function changed(): Promise<{ stage: Stage; torn: string[] }> {
  const stage = new Stage();
  for (const name of ["changed", "touched", "removed", "kept"]) stage.put(`inventory/${name}`, `${name} 1`);
  await stage.start();
  const versions = new Set([...stage.site.values()].map(({ bytes }) => String(bytes)));
  stage.put("inventory/changed", "changed 2", NEWER);
  stage.put("inventory/touched", "touched 1", NEWER);
  stage.put("inventory/new", "new 1", NEWER);
  stage.site.delete("inventory/removed");
  for (const { bytes } of stage.site.values()) versions.add(String(bytes));
  const torn: string[] = [];
  const watch = (to: string) => {
    if (!to.startsWith(`${FOLDER}/`) || to.includes("/.")) return;
    const text = String(stage.hubDisk.files.get(to));
    if (!versions.has(text)) torn.push(text);
  };
  stage.hubDisk.onRename = watch;
  return { stage, torn };
}

/** Goes on until both sides agree that all is there. */
async function converge(stage: Stage): Promise<void> {
  for (let looks = 0; looks < 4; looks++) await stage.look();
  expect(sorted(stage.mirrored)).toEqual(sorted(stage.site));
  expect(stage.source.status()).toMatchObject({ missing: 0, held: 0, problem: undefined });
}

test.each(["kill", "power cut"] as const)(
  "after a crash of the hub at any step everything is there in the end, and nothing torn or left over (%s)",
  async (how) => {
    let crashes = 0;
    for (let step = 1; step <= STEPS; step++) {
      const { stage, torn } = await changed();
      const crashed = stage.hubDisk.crash(step, step % 2 === 0).then(() => true);
      const before = stage.hubDisk;
      const happened = await Promise.race([crashed, stage.look().then(() => false)]);
      if (happened) crashes++;
      stage.hubDisk = before.after(how);
      await stage.startHub();
      stage.connect();
      await stage.rest();
      await converge(stage);
      expect(torn).toEqual([]);
      // what was staged when it crashed is replaced when it is staged again, or lands
      if (how === "kill") expect(stage.leftovers.length).toBeLessThanOrEqual(1);
    }
    expect(crashes).toBeGreaterThan(STEPS / 4);
  },
  PATIENCE,
);

test.each(["kill", "power cut"] as const)(
  "after a crash of the agent at any step everything is there in the end (%s)",
  async (how) => {
    let crashes = 0;
    for (let step = 1; step <= STEPS; step++) {
      const { stage, torn } = await changed();
      const crashed = stage.agentDisk.crash(step, step % 2 === 0).then(() => true);
      const happened = await Promise.race([crashed, stage.look().then(() => false)]);
      if (happened) crashes++;
      stage.agentDisk = stage.agentDisk.after(how);
      await stage.startAgent();
      stage.connect();
      stage.source.start(stage.lane);
      await stage.rest();
      await converge(stage);
      expect(torn).toEqual([]);
      expect(stage.leftovers).toEqual([]);
    }
    expect(crashes).toBeGreaterThan(STEPS / 4);
  },
  PATIENCE,
);

test("a version that a crash of the agent left queued does not come after the newer one", async () => {
  const { stage } = await changed();
  stage.line.courier.stop();
  await stage.look();
  expect(await sourcesOf(stage.lane)).toContainEqual(expect.stringMatching(/^file inventory\/changed /));
  stage.put("inventory/changed", "changed 3", NEWER + 1);
  stage.agentDisk = stage.agentDisk.after("kill");
  const taken: string[] = [];
  stage.hubDisk.onRename = (to) => {
    if (to === `${FOLDER}/changed`) taken.push(String(stage.hubDisk.files.get(to)));
  };
  await stage.startAgent();
  stage.source.start(stage.lane);
  await stage.rest();
  stage.connect();
  await stage.rest();
  await converge(stage);
  expect(taken).toEqual(["changed 3"]);
});
