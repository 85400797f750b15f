/** Hundreds of MB through a site's web server: whole, and never held by hub or agent. */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, createReadStream, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { residentMebibytes } from "../../bench/procfs.ts";
import { curl, SITE, type Stage, suite } from "./stage.ts";

const MEBIBYTES = 300;
/**
 * MiB by which hub and agent may grow, what the runtime has not collected yet included: twice what is seen (see
 * "upload" in docs/benchmark.md), half of a body that is held.
 */
const MOST_GROWTH = MEBIBYTES / 2;
const SAMPLE_MS = 20;

/** No two places of it are alike, so that what is lost, repeated or out of order is seen. */
function writeLargeFile(path: string): void {
  const block = randomBytes(1 << 20);
  const file = openSync(path, "w");
  for (let i = 0; i < MEBIBYTES; i++) {
    block.writeUInt32BE(i, 0);
    writeSync(file, block);
  }
  closeSync(file);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Runs it, and gives by how many MiB hub and agent grew meanwhile at most. */
async function growth(
  { hub, agent }: Stage,
  work: Promise<unknown>,
): Promise<{ hub: number; agent: number }> {
  const sides = { hub: hub.process.pid ?? 0, agent: agent.process.pid ?? 0 };
  const before = { hub: residentMebibytes(sides.hub), agent: residentMebibytes(sides.agent) };
  const most = { hub: 0, agent: 0 };
  let over = false;
  const ended = work.finally(() => {
    over = true;
  });
  while (!over) {
    for (const side of ["hub", "agent"] as const) {
      most[side] = Math.max(most[side], residentMebibytes(sides[side]) - before[side]);
    }
    await Promise.race([ended, delay(SAMPLE_MS)]);
  }
  await ended;
  return most;
}

await suite("a site's web server, and bodies of hundreds of MB", [], (stage) => {
  let file = "";
  let sum = "";

  beforeAll(async () => {
    file = join(stage().apache.files, "large");
    writeLargeFile(file);
    sum = await sha256(file);
  });
  afterAll(() => rmSync(file, { force: true }));

  test.each([
    ["with a length", []],
    ["in chunks", ["-H", "Transfer-Encoding: chunked"]],
  ])("an upload %s arrives whole and is held nowhere", async (_, args) => {
    const { url, hub } = stage();
    const upload = curl(
      ...["-H", `X-Sha256: ${sum}`, ...args, "-X", "POST", "-T", file],
      `${url}/automation.py?command=receive-config-sync&secret=S3cret`,
    );
    const grown = await growth(stage(), upload);
    expect(await upload).toBe("True");
    expect(Math.max(grown.hub, grown.agent)).toBeLessThan(MOST_GROWTH);
    const { syncs } = await hub.json<{ syncs: unknown[] }>("site", "show", SITE);
    expect(syncs.at(-1)).toEqual({
      kind: "receive",
      command: "receive-config-sync",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      seconds: expect.any(Number),
      sent: MEBIBYTES << 20,
      received: 4,
      status: 200,
      ok: true,
    });
    expect(hub.process.output).toMatch(
      / config sync site=acme\/main kind=receive command=receive-config-sync seconds=[\d.]+ sent=314572800 received=4 status=200\n/,
    );
    expect(hub.process.output).not.toContain("S3cret");
  });

  test("a download arrives whole and is held nowhere, also when its client is slow", async () => {
    const { host } = stage();
    const copy = join(stage().lab.folder, "copy");
    const fast = await growth(stage(), curl("-o", copy, `http://${host}/acme/files/large`));
    expect(await sha256(copy)).toBe(sum);
    rmSync(copy);
    const slow = await growth(
      stage(),
      curl("-o", copy, "--limit-rate", "20M", "-r", "0-41943039", `http://${host}/acme/files/large`),
    );
    expect(readFileSync(copy).equals(readFileSync(file).subarray(0, 40 << 20))).toBe(true);
    rmSync(copy);
    expect(Math.max(fast.hub, fast.agent, slow.hub, slow.agent)).toBeLessThan(MOST_GROWTH);
  });
});
