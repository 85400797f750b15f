import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Spool } from "../../../../hub/livestatus/federation/spool.ts";

const LARGEST = 64 << 20;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "farsite-spool-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function spoolIn(directory: string, largest = LARGEST): Spool {
  const spool = new Spool({ directory, name: () => "answer", largest });
  onTestFinished(() => spool.close());
  return spool;
}

const idle = (spool: Spool) => new Promise<void>((resolve) => spool.whenIdle(resolve));

async function readAll(spool: Spool): Promise<Buffer> {
  const next = spool.reader();
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = await new Promise<Buffer | undefined>((resolve) => next(resolve));
    if (!piece) return Buffer.concat(pieces);
    pieces.push(piece);
  }
}

test.each([0, 1, 1_000_000, 5_000_000])("%i bytes come out as they went in", async (size) => {
  const directory = folder();
  const spool = spoolIn(directory);
  const bytes = Buffer.from(Array.from({ length: size }, (_, at) => (at * 7) % 251));
  for (let at = 0; at < size; at += 100_003) {
    spool.append(bytes.subarray(at, at + 100_003));
    if (spool.busy) await idle(spool);
  }
  await idle(spool);
  expect(spool.length).toBe(size);
  expect((await readAll(spool)).equals(bytes)).toBe(true);
  // what there is of a file has no name
  expect(readdirSync(directory)).toEqual([]);
});

test("a disk that takes nothing is an error, not a wait", async () => {
  const spool = spoolIn(join(folder(), "gone"));
  spool.append(Buffer.alloc(2 << 20));
  await idle(spool);
  expect(spool.failure).toMatchObject({
    code: 502,
    message: expect.stringContaining("cannot keep the answer"),
  });
  expect(spool.busy).toBe(false);
});

test("more than is allowed is an error", () => {
  const spool = spoolIn(folder(), 1_000);
  spool.append(Buffer.alloc(1_000));
  expect(spool.failure).toBeUndefined();
  spool.append(Buffer.alloc(1));
  expect(spool.failure).toMatchObject({ code: 413 });
});

test("closed while it writes, it leaves nothing", async () => {
  const directory = folder();
  const spool = spoolIn(directory);
  spool.append(Buffer.alloc(3 << 20));
  spool.close();
  await expect.poll(() => readdirSync(directory)).toEqual([]);
});
