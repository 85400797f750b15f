/**
 * What the lane `inventory` carries: files of a site's inventory, as they are, with their times. Bodies of its items
 * are MessagePack. A file is named by its path: `inventory/NAME`, or `archive/HOST/NAME`. An item's kind says what it is:
 *
 *   file      a file, new or changed
 *   time      a file whose time has changed, and nothing else
 *   gone      files that are not there any more
 *   list      a part of all files that there are: the hub removes what the part should have and does not, and answers
 *             with a bit for each file of it, set where it wants that file; bit 0 is the lowest of the first byte
 *   complete  the hub has everything now
 *
 * Times are microseconds since the Unix epoch, digests the first bytes of the SHA-256 of a file.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { fixedBytes } from "../bytes.ts";

export const INVENTORY_LANE = "inventory";

export const INVENTORY_KINDS = ["file", "time", "gone", "list", "complete"] as const;
export type InventoryKind = (typeof INVENTORY_KINDS)[number];

/** Trees of files, as paths begin. */
export const INVENTORY = "inventory";
export const ARCHIVE = "archive";

export const DIGEST_BYTES = 16;
/** Files in one part of a list, and in one item of what is gone. */
export const MOST_LISTED = 2000;
/** MiB of one file, at most, whatever is configured: a hub holds several of them in memory. */
export const LARGEST_FILE_MIB = 16;
/** Bytes around a file in its item, and at least as many as a list has. */
export const AROUND_FILE = 4 << 10;
export const LARGEST_LIST = 2 << 20;

/**
 * A host's name as Checkmk allows it (its REGEX_HOST_NAME), but not with a dot or hyphen in front: no such file is
 * hidden, or looks like an option. A file's name is that, with an ending where it is packed, or a time: of the same form.
 */
const NAME = /^[0-9A-Za-z_][-0-9A-Za-z_.]{0,254}$/;

export function isInventoryName(name: string): boolean {
  return NAME.test(name);
}

/** A path's tree, and the names below it; undefined when it is none. */
export function partsOfPath(path: string): { tree: string; names: [string] | [string, string] } | undefined {
  const [tree = "", first = "", second, ...more] = path.split("/");
  if (more.length > 0 || !isInventoryName(first)) return undefined;
  if (tree === INVENTORY && second === undefined) return { tree, names: [first] };
  if (tree === ARCHIVE && second !== undefined && isInventoryName(second)) {
    return { tree, names: [first, second] };
  }
  return undefined;
}

const path = z.string().refine((text) => partsOfPath(text) !== undefined, "a path of an inventory");
const modified = z.int().min(0);
const size = z.int().min(0);
const digest = fixedBytes(DIGEST_BYTES);

const file = z.object({
  path,
  modified,
  bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
});
const time = z.object({ path, modified, size, digest });
const gone = z.object({ files: z.array(z.tuple([path, modified, size])).max(MOST_LISTED) });
const list = z.object({
  /** It has all files whose paths come behind this one, by their bytes, up to the last one named. */
  after: z.string().max(1024),
  /** And nothing comes behind that. */
  last: z.boolean(),
  files: z
    .array(z.tuple([path, modified, size, digest]))
    .max(MOST_LISTED)
    .refine(
      (files) => files.every(([each], at) => at === 0 || (files[at - 1]?.[0] ?? "") < each),
      "paths in order",
    ),
});
const complete = z.object({ files: z.int().min(0), bytes: z.int().min(0) });

export const inventoryBodies = { file, time, gone, list, complete };
export type InventoryFile = z.output<typeof file>;
export type InventoryTime = z.output<typeof time>;
export type InventoryGone = z.output<typeof gone>;
export type InventoryList = z.output<typeof list>;

export function inventoryDigest(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest().subarray(0, DIGEST_BYTES);
}
