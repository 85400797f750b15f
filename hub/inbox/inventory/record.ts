/** What a letter of the lane says: hostile until it is read. */

import type { z } from "zod";
import { hex } from "../../../common/bytes.ts";
import { unpack } from "../../../common/msgpack.ts";
import { type InventoryList, inventoryBodies, inventoryDigest } from "../../../common/outbox/index.ts";
import type { Letter } from "../letter/index.ts";

/** A file, with or without what is in it. */
export interface FileRecord {
  kind: "file";
  path: string;
  modified: number;
  size: number;
  digest: string;
  bytes: Uint8Array | undefined;
}

export interface GoneRecord {
  kind: "gone";
  files: [path: string, modified: number, size: number][];
}

export type InventoryRecord =
  | FileRecord
  | GoneRecord
  | { kind: "list"; list: InventoryList }
  | { kind: "complete" };

/** Throws an Error with a reason for people. */
export function readRecord({ kind, body }: Pick<Letter, "kind" | "body">): InventoryRecord {
  switch (kind) {
    case "file": {
      const { path, modified, bytes } = read(inventoryBodies.file, body);
      return { kind: "file", path, modified, size: bytes.length, digest: hex(inventoryDigest(bytes)), bytes };
    }
    case "time": {
      const { path, modified, size, digest } = read(inventoryBodies.time, body);
      return { kind: "file", path, modified, size, digest: hex(digest), bytes: undefined };
    }
    case "gone":
      return { kind, files: read(inventoryBodies.gone, body).files };
    case "list":
      return { kind, list: read(inventoryBodies.list, body) };
    case "complete":
      read(inventoryBodies.complete, body);
      return { kind };
    default:
      throw new Error(`a letter of the kind ${kind} came`);
  }
}

function read<T>(schema: z.ZodType<T>, body: Buffer): T {
  return unpack(schema, body, "a letter of the inventory");
}
