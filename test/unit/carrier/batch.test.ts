import { expect, test } from "vitest";
import { decodeBatch, encodeBatch, MAX_BATCH, PREFIX_BYTES } from "../../../common/carrier/https/index.ts";
import { MAX_MESSAGE } from "../../../common/carrier/index.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { type Dice, forSeeds } from "../session/rig.ts";

test("messages come out as they went in, in order, each with its length in front", () => {
  const messages = [Buffer.from([1]), Buffer.from("two"), Buffer.alloc(MAX_MESSAGE, 3)];
  const body = encodeBatch(messages);
  expect(body.subarray(0, 8)).toEqual(Buffer.from([0, 1, 1, 0, 3, 0x74, 0x77, 0x6f]));
  expect(decodeBatch(body)).toEqual(messages);
});

test("a batch may be empty", () => {
  expect(encodeBatch([])).toHaveLength(0);
  expect(decodeBatch(Buffer.alloc(0))).toEqual([]);
});

test.each([
  ["half a length", Buffer.from([0])],
  ["a length and nothing else", Buffer.from([0, 1])],
  ["a message that is cut short", Buffer.from([0, 2, 1])],
  ["a good message and half a length", Buffer.from([0, 1, 1, 0])],
  ["an empty message", Buffer.from([0, 0])],
  ["an empty message behind a good one", Buffer.from([0, 1, 1, 0, 0])],
  ["more than a batch may hold", Buffer.alloc(MAX_BATCH + 1, 1)],
])("%s is refused", (_, body) => {
  expect(() => decodeBatch(body)).toThrow(expect.objectContaining({ code: "E_PROTOCOL" }));
});

test("random messages survive, whatever their lengths", async () => {
  await forSeeds(1, 50, async (dice) => {
    const messages: Buffer[] = [];
    for (let left = MAX_BATCH; left > PREFIX_BYTES && messages.length < dice.upTo(50); ) {
      const length = 1 + dice.upTo(Math.min(left - PREFIX_BYTES, dice.upTo(2) ? 200 : MAX_MESSAGE));
      messages.push(Buffer.alloc(length, dice.upTo(256)));
      left -= PREFIX_BYTES + length;
    }
    const decoded = decodeBatch(encodeBatch(messages));
    expect(decoded.map((message) => message.length)).toEqual(messages.map((message) => message.length));
    expect(Buffer.concat(decoded).equals(Buffer.concat(messages))).toBe(true);
  });
});

test("random bytes are either messages that make up the whole body, or refused", async () => {
  let [taken, refused] = [0, 0];
  await forSeeds(1, 2_000, async (dice: Dice) => {
    // small lengths, so that some of it is well formed
    const body = Buffer.from(dice.bytes(dice.upTo(24)).map((byte, at) => (at % 2 === 0 ? 0 : byte % 4)));
    try {
      const messages = decodeBatch(body);
      taken++;
      expect(encodeBatch(messages)).toEqual(body);
      for (const message of messages) expect(message.length).toBeGreaterThan(0);
    } catch (error) {
      if (!(error instanceof FarsiteError)) throw error;
      refused++;
    }
  });
  expect(Math.min(taken, refused)).toBeGreaterThan(50);
});
