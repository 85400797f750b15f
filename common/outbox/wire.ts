/**
 * What agent and hub say on a stream of the service `outbox`. The agent opens one for each lane that has something,
 * and says HELLO first; the hub answers with ACK, and from then on the agent sends items.
 *
 *   0  u8   type
 *   1  u32  length of the body
 *   5       body
 *
 *   type       direction     body
 *   1 HELLO    agent to hub  MessagePack: which items will come
 *   2 ITEM     agent to hub  u16 length of the head, the head (MessagePack), the sealed body
 *   3 ACK      hub to agent  MessagePack: all items up to a number are done
 *   4 REFUSED  hub to agent  MessagePack: the hub will never take this item, and why
 *   5 ANSWER   hub to agent  MessagePack: what the hub says to an item that asks something, before its ACK
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { fixedBytes } from "../bytes.ts";
import { FarsiteError } from "../errors.ts";
import { pack, unpack } from "../msgpack.ts";
import { printable } from "../text.ts";

export const OUTBOX_VERSION = 1;

export const HELLO = 1;
export const ITEM = 2;
export const ACK = 3;
export const REFUSED = 4;
export const ANSWER = 5;

const HEADER = 5;
/** Longest body of HELLO, ACK, REFUSED and ANSWER, and head of ITEM, in bytes. */
export const MAX_WORDS = 1 << 10;
/** Longest sealed body of an item, in bytes. */
export const MAX_SEALED = 4 << 20;
/** Longest reason of a refusal, in UTF-16 units. */
export const MAX_REFUSAL = 200;
/** Longest note beside an acknowledgement, in UTF-16 units; it has room in 1 KiB. */
export const MAX_NOTE = 300;

/** The last moment that a date can be, ms since the Unix epoch (ECMA-262, section 21.4.1.1). */
export const LATEST = 8.64e15;

/** Longest answer to an item, in bytes. */
export const MAX_ANSWER = 512;

export const EPOCH_BYTES = 16;
export const KEY_BYTES = 16;
export const CHECKSUM_BYTES = 16;

/** Highest number of an item: what a directory's names hold. */
const MAX_NUMBER = 999_999_999_999;

const lane = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
const number = z.int().min(0).max(MAX_NUMBER);

export const hello = z.object({
  version: z.literal(OUTBOX_VERSION),
  lane,
  /** Whose numbers they are: random, made with every start of the agent. */
  epoch: fixedBytes(EPOCH_BYTES),
  /** The lowest number that the agent still has. */
  first: number,
});
export type Hello = z.output<typeof hello>;

export const itemHead = z.object({
  number: number.min(1),
  /** The same whenever the same thing is sent: for receivers that must recognise what they had. */
  key: fixedBytes(KEY_BYTES),
  kind: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  /** When it came to be, by the agent's clock, ms since the Unix epoch. */
  time: z.int().min(0).max(LATEST),
  /** The first bytes of the SHA-256 of the sealed body. */
  checksum: fixedBytes(CHECKSUM_BYTES),
});
export type ItemHead = z.output<typeof itemHead>;

export const ack = z.object({
  number,
  /** What else the site should know of its last items; nothing when that is over. */
  note: z
    .string()
    .max(MAX_NOTE)
    .transform((text) => printable(text, MAX_NOTE))
    .optional(),
});
export const refused = z.object({
  number: number.min(1),
  reason: z
    .string()
    .max(MAX_REFUSAL)
    .transform((text) => printable(text, MAX_REFUSAL)),
});

export const answer = z.object({
  number: number.min(1),
  answer: z
    .custom<Uint8Array>((value) => value instanceof Uint8Array)
    .refine((value) => value.length <= MAX_ANSWER, `at most ${MAX_ANSWER} bytes`),
});

export type Message = { type: number; body: Buffer };

/** A message of any type but ITEM. */
export function message(type: number, value: unknown): Buffer {
  return frame(type, pack(value));
}

export function itemMessage(head: Omit<ItemHead, "checksum">, sealed: Uint8Array): Buffer {
  const words = pack({ ...head, checksum: checksumOf(sealed) });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(words.length);
  return frame(ITEM, length, words, sealed);
}

/** The parts of an ITEM. Throws E_PROTOCOL, also when the checksum is wrong. */
export function readItem(body: Buffer): { head: ItemHead; sealed: Buffer } {
  const length = body.length < 2 ? 0 : body.readUInt16BE(0);
  if (length > MAX_WORDS || body.length < 2 + length) throw broken("an item's head is malformed");
  const head = unpack(itemHead, body.subarray(2, 2 + length), "an item's head");
  const sealed = body.subarray(2 + length);
  if (!checksumOf(sealed).equals(head.checksum)) throw broken("an item's checksum is wrong");
  return { head, sealed };
}

function checksumOf(sealed: Uint8Array): Buffer {
  return createHash("sha256").update(sealed).digest().subarray(0, CHECKSUM_BYTES);
}

function frame(type: number, ...parts: Uint8Array[]): Buffer {
  const header = Buffer.alloc(HEADER);
  header[0] = type;
  header.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.length, 0),
    1,
  );
  return Buffer.concat([header, ...parts]);
}

function broken(what: string): FarsiteError {
  return new FarsiteError("E_PROTOCOL", what);
}

/** Cuts a stream into messages. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #length = 0;

  /** @param types those that the other side may send */
  constructor(private readonly types: ReadonlySet<number>) {}

  /** Takes bytes and gives the messages that are whole now. Throws E_PROTOCOL. */
  *read(chunk: Buffer): Generator<Message> {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    for (;;) {
      if (this.#length < HEADER) return;
      const header = this.#peek();
      const type = header[0] as number;
      const length = header.readUInt32BE(1);
      if (!this.types.has(type)) throw broken(`a message of type ${type} came`);
      const most = type === ITEM ? 2 + MAX_WORDS + MAX_SEALED : MAX_WORDS;
      if (length > most) throw broken(`a message of type ${type} is ${length} bytes long`);
      if (this.#length < HEADER + length) return;
      const all = Buffer.concat(this.#chunks);
      this.#chunks = [all.subarray(HEADER + length)];
      this.#length -= HEADER + length;
      yield { type, body: all.subarray(HEADER, HEADER + length) };
    }
  }

  /** The header; joins chunks only where it spans them. */
  #peek(): Buffer {
    const [first] = this.#chunks;
    if (first && first.length >= HEADER) return first;
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }
}
