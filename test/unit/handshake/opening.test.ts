import { expect, test } from "vitest";
import { type MemoryCarrier, memoryPair } from "../../../common/carrier/memory.ts";
import { FakeClock } from "../../../common/clock.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { Opening } from "../../../common/handshake/index.ts";
import type { RecordCipher } from "../../../common/session/index.ts";
import { rejection, rejectionCode, settle } from "./rig.ts";

const PLAIN: RecordCipher = { encrypt: (plaintext) => plaintext, decrypt: (message) => message };

interface Started {
  clock: FakeClock;
  opening: Opening;
  near: MemoryCarrier;
  far: MemoryCarrier;
  /** Why the far end was closed. */
  closed: string[];
}

function start(timeout = 1_000): Started {
  const clock = new FakeClock();
  const [near, far] = memoryPair();
  const closed: string[] = [];
  far.attach({ message() {}, drain() {}, close: (reason) => void closed.push(reason) });
  return { clock, opening: new Opening(near, clock, timeout), near, far, closed };
}

test("a message that came early is kept for whoever asks", async () => {
  const { opening, far } = start();
  far.send(Buffer.from("early"));
  await settle();
  expect(String(await opening.message())).toBe("early");
});

test("a message that is awaited is given when it comes", async () => {
  const { opening, far } = start();
  const awaited = opening.message();
  far.send(Buffer.from("late"));
  expect(String(await awaited)).toBe("late");
});

test("a carrier that closes while a message is awaited says why", async () => {
  const { clock, opening, far } = start();
  const awaited = rejection(opening.message());
  far.cut("reset by peer");
  expect(await awaited).toMatchObject({
    code: "E_HANDSHAKE",
    message: "the connection closed during the handshake: reset by peer",
  });
  expect(clock.pending).toBe(0);
});

test("after the carrier closed every later wait fails at once", async () => {
  const { opening, far } = start();
  far.cut("gone");
  await settle();
  expect(await rejectionCode(opening.message())).toBe("E_HANDSHAKE");
  opening.secure(PLAIN);
  expect(await rejectionCode(opening.record(() => 0))).toBe("E_HANDSHAKE");
});

test("an opening that succeeded stops counting time", async () => {
  const { clock, opening, near } = start();
  expect(await opening.conduct(async () => 7)).toBe(7);
  expect(clock.pending).toBe(0);
  clock.advance(10_000);
  await settle();
  expect(near.closed).toBe(false);
});

test("an opening that failed closes the carrier with the code of its error", async () => {
  const { clock, opening, closed } = start();
  const refused = opening.conduct(() => Promise.reject(new FarsiteError("E_HUB_BUSY", "not now")));
  expect(await rejectionCode(refused)).toBe("E_HUB_BUSY");
  await settle();
  expect([closed, clock.pending]).toEqual([["E_HUB_BUSY"], 0]);
});

test("a fault inside closes the carrier as E_INTERNAL and shows nothing of it", async () => {
  const { opening, closed } = start();
  const fault = new Error("secret of the inside");
  await expect(opening.conduct(() => Promise.reject(fault))).rejects.toBe(fault);
  await settle();
  expect(closed).toEqual(["E_INTERNAL"]);
});

test("only the first record is looked at here; later ones wait for the new owner", async () => {
  const { opening, far } = start();
  opening.secure(PLAIN);
  const later: string[] = [];
  const first = opening.record((record, link) => {
    link.attach({ record: (next) => void later.push(String(next)), drain() {}, close() {} });
    return String(record);
  });
  for (const text of ["first", "second", "third"]) far.send(Buffer.from(text));
  expect(await first).toBe("first");
  await settle();
  expect(later).toEqual(["second", "third"]);
});

test("time that runs out while a record is awaited closes the carrier", async () => {
  const { clock, opening, closed } = start();
  opening.secure(PLAIN);
  const awaited = rejectionCode(opening.record(() => 0));
  clock.advance(1_000);
  expect(await awaited).toBe("E_HANDSHAKE_TIMEOUT");
  await settle();
  expect(closed).toEqual(["E_HANDSHAKE_TIMEOUT"]);
});

test("keys cannot be taken into use while a message waits that came before its turn", async () => {
  const { opening, far } = start();
  far.send(Buffer.from("before its turn"));
  await settle();
  expect(() => opening.secure(PLAIN)).toThrow(expect.objectContaining({ code: "E_HANDSHAKE" }));
});
