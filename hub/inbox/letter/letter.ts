/** What an agent sent, as the hub's sinks get it. */
import { createHash } from "node:crypto";

/** Whose it is. */
export interface Sender {
  tenant: string;
  site: string;
}

export interface Letter extends Sender {
  /** Its place among all of its lane that this hub received. */
  sequence: number;
  /** The hub's own name for it, in the form of a UUID: nothing of it was chosen by the sender. */
  id: string;
  /** The same whenever the sender sends the same thing, as a UUID. */
  idempotencyKey: string;
  /** When it came to be, by the agent's clock, ms since the epoch. */
  time: number;
  kind: string;
  body: Buffer;
}

/** What distinguishes one lane from another. */
export interface LaneRules {
  name: string;
  /** Bytes of a letter's body. */
  longest: number;
  /** Throws, with a reason for people, when a letter must never land. */
  check(letter: Pick<Letter, "tenant" | "site" | "kind" | "body">): void;
  /** What a site should know of its last letters though they were taken, for people. */
  note?(sender: Sender): string | undefined;
}

/** A name for an item that is the same whenever it is computed, and no other item's of any site. */
export function letterId({ tenant, site }: Sender, lane: string, epoch: string, number: number): string {
  return uuid(createHash("sha256").update(`${tenant}/${site}/${lane}/${epoch}/${number}`).digest());
}

/** 16 bytes as a UUID of version 4, as Checkmk names its spool files (RFC 9562, section 5.4). */
export function uuid(bytes: Uint8Array): string {
  const own = Buffer.from(bytes.subarray(0, 16));
  own[6] = ((own[6] as number) & 0x0f) | 0x40;
  own[8] = ((own[8] as number) & 0x3f) | 0x80;
  const hex = own.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
