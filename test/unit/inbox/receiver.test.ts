import { expect, test } from "vitest";
import { MemoryLog } from "../../../common/log.ts";
import { pack } from "../../../common/msgpack.ts";
import { BULK } from "../../../common/mux/index.ts";
import { HELLO, ITEM, itemMessage, message, OUTBOX } from "../../../common/outbox/index.ts";
import { Receiver } from "../../../hub/inbox/receiver.ts";
import { muxPair, settle, type Tap } from "../mux/rig.ts";
import { openBox } from "../outbox/rig.ts";
import { MemoryDisk } from "../queue/memory-disk.ts";

const EPOCH = Buffer.alloc(16, 1);
const HELLO_WORDS = { version: 1, lane: "notify", epoch: EPOCH, first: 1 };

function item(number: number, time = 0): Buffer {
  const head = { number, key: Buffer.alloc(16), kind: "notification", time };
  return itemMessage(head, Buffer.from("x"));
}

/** A message with a header of its own. */
function raw(type: number, length: number, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(5);
  header[0] = type;
  header.writeUInt32BE(length, 1);
  return Buffer.concat([header, body]);
}

async function stage(): Promise<{ tap: Tap; log: MemoryLog; say: (...messages: Buffer[]) => Promise<void> }> {
  const log = new MemoryLog();
  const box = await openBox(new MemoryDisk());
  const pair = muxPair({
    hub: {
      accept: ({ stream }) =>
        void new Receiver({ stream, box: async (lane) => (lane === "notify" ? box : undefined), log }),
    },
  });
  const tap = pair.agent.open(OUTBOX, BULK);
  const say = async (...messages: Buffer[]) => {
    for (const each of messages) tap.stream.write(each);
    for (let i = 0; i < 5; i++) await settle();
  };
  return { tap, log, say };
}

test("HELLO is answered with how far the hub is, and what follows is acknowledged or refused", async () => {
  const { tap, say } = await stage();
  await say(message(HELLO, HELLO_WORDS));
  expect(Buffer.concat(tap.chunks)).toEqual(raw(3, pack({ number: 0 }).length, pack({ number: 0 })));
  await say(item(5));
  expect(tap.resetBy).toBeUndefined();
  expect(Buffer.concat(tap.chunks).includes("too short to be sealed")).toBe(true);
});

test("a lane that the hub does not take is refused", async () => {
  const { tap, say } = await stage();
  await say(message(HELLO, { ...HELLO_WORDS, lane: "inventory" }));
  expect(tap.resetBy).toBe("serviceRefused");
});

const wrongChecksum = item(1);
wrongChecksum[wrongChecksum.length - 1]! ^= 1;

test.each<[string, Buffer[]]>([
  ["an item before HELLO", [item(1)]],
  ["HELLO twice", [message(HELLO, HELLO_WORDS), message(HELLO, HELLO_WORDS)]],
  ["HELLO of another version", [message(HELLO, { ...HELLO_WORDS, version: 2 })]],
  ["HELLO with a path as its lane", [message(HELLO, { ...HELLO_WORDS, lane: "../../etc" })]],
  ["HELLO with a short epoch", [message(HELLO, { ...HELLO_WORDS, epoch: Buffer.alloc(15) })]],
  ["HELLO with a number that is none", [message(HELLO, { ...HELLO_WORDS, first: -1 })]],
  ["HELLO that is no map", [message(HELLO, "notify")]],
  ["a message of the hub's own", [raw(3, 0)]],
  ["a message of no type", [raw(9, 0)]],
  ["a message that is announced as too long", [raw(HELLO, 1025)]],
  ["an item that is announced as too long", [message(HELLO, HELLO_WORDS), raw(ITEM, (4 << 20) + 1027)]],
])("%s ends the stream", async (_, messages) => {
  const { tap, log, say } = await stage();
  for (const each of messages) await say(each);
  expect([tap.resetBy, log.lines.length]).toEqual(["internal", 1]);
});

test.each<[string, Buffer[]]>([
  ["whose number does not rise", [item(2), item(2)]],
  ["without a number", [raw(ITEM, 2, Buffer.alloc(2))]],
  ["whose head is longer than it", [raw(ITEM, 4, Buffer.from([0, 9, 0, 0]))]],
  ["whose checksum is wrong", [wrongChecksum]],
  ["of a time that no date can be", [item(1, 8.64e15 + 1)]],
])("an item %s ends the stream", async (_, messages) => {
  const { tap, say } = await stage();
  await say(message(HELLO, HELLO_WORDS));
  await say(...messages);
  expect(tap.resetBy).toBe("internal");
});

test("messages may come in pieces of any size", async () => {
  const { tap, say } = await stage();
  for (const byte of message(HELLO, HELLO_WORDS)) await say(Buffer.of(byte));
  for (const byte of item(1)) await say(Buffer.of(byte));
  expect(Buffer.concat(tap.chunks).includes("too short to be sealed")).toBe(true);
  expect(tap.resetBy).toBeUndefined();
});
