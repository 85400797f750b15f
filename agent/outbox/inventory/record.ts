/** What an item of the inventory is about, as the words by which the lane knows it: they outlive the agent. */
import { createHash } from "node:crypto";
import type { InventoryKind } from "../../../common/outbox/index.ts";
import { KEY_BYTES } from "../../../common/outbox/index.ts";
import type { ItemMeta } from "../lane/index.ts";
import type { Held } from "./ledger.ts";

/** One file. */
export interface FileRecord extends Held {
  kind: "file" | "time";
  path: string;
}
/** Several, or none. */
export interface OtherRecord {
  kind: Exclude<InventoryKind, "file" | "time">;
  id: string;
}
export type Record = FileRecord | OtherRecord;

/** @param time ms since the epoch: since when the hub does not have it */
export function metaOf(record: Record, time: number): ItemMeta {
  const source =
    "id" in record
      ? `${record.kind} ${record.id}`
      : [record.kind, record.path, record.modified, record.size, record.digest].join(" ");
  return {
    key: createHash("sha256").update(source).digest().subarray(0, KEY_BYTES),
    kind: record.kind,
    time: Math.floor(time),
    source,
  };
}

/** No path has a blank in it. */
export function recordOf({ source }: ItemMeta): Record {
  const [kind, name = "", modified, size, digest = ""] = source.split(" ");
  if (kind === "file" || kind === "time") {
    return { kind, path: name, modified: Number(modified), size: Number(size), digest };
  }
  return { kind: kind as OtherRecord["kind"], id: name };
}
