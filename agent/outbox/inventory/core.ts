/**
 * A site's inventory as its core shows it in Livestatus, where the files cannot be read: hosts have the columns
 * `mk_inventory_last`, the time of the file in seconds (0: there is none), and `mk_inventory_gz`, the packed file. The
 * file itself is what comes out of it.
 */
import { gunzipSync } from "node:zlib";
import { reasonOf } from "../../../common/errors.ts";
import { INVENTORY, isInventoryName, partsOfPath } from "../../../common/outbox/index.ts";
import type { Ask } from "../table/index.ts";
import { type Content, type Listing, type Origin, Unreachable } from "./origin.ts";

export interface CoreOptions {
  ask: Ask;
  /** Where it is asked, for people. */
  place: string;
  /** Bytes of a file, packed and not. */
  largest: number;
  /** Files in all. */
  most: number;
}

const SECOND = 1_000_000;
const PACKED = ".gz";
/** RFC 1952, section 2.3.1. */
const MAGIC = Buffer.from([0x1f, 0x8b]);

export class CoreInventory implements Origin {
  readonly place: string;

  constructor(private readonly options: CoreOptions) {
    this.place = options.place;
  }

  async list(): Promise<Listing> {
    const { ask, most } = this.options;
    const rows = await ask("GET hosts\nColumns: name mk_inventory_last");
    // one that has just started, or was given no configuration
    if (rows.length === 0) throw new Error("the core has no hosts");
    const listing: Listing = { files: new Map(), left: new Map(), strange: [], identity: "core" };
    for (const [name, last] of rows) {
      if (typeof name !== "string" || typeof last !== "number" || !Number.isInteger(last)) {
        throw new Error("the core's table has other columns");
      }
      if (last <= 0) continue;
      // a host with that ending would be the packed file of another one
      if (!isInventoryName(`${name}${PACKED}`) || name.endsWith(PACKED)) {
        listing.strange.push(name);
        continue;
      }
      for (const path of [`${INVENTORY}/${name}`, `${INVENTORY}/${name}${PACKED}`]) {
        if (listing.files.size >= most) listing.left.set(path, `there are more than ${most} files`);
        else listing.files.set(path, { modified: last * SECOND, size: undefined });
      }
    }
    return listing;
  }

  async read(path: string): Promise<Content | undefined> {
    const { ask, largest } = this.options;
    const name = partsOfPath(path)?.names[0] ?? "";
    const host = name.endsWith(PACKED) ? name.slice(0, -PACKED.length) : name;
    // nothing in such a name ends a line
    const query = `GET hosts\nColumns: mk_inventory_last mk_inventory_gz\nFilter: name = ${host}`;
    const rows = await ask(query).catch((error: unknown) => {
      throw new Unreachable(reasonOf(error));
    });
    const [last, text] = rows[0] ?? [0, ""];
    if (typeof last !== "number" || typeof text !== "string") {
      throw new Error("the core's table has other columns");
    }
    if (last <= 0 || text === "") return undefined;
    const packed = bytesOf(text);
    if (packed.length > largest) throw new Error(`it is larger than ${largest} bytes`);
    if (!packed.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error("the core gives no packed file");
    const bytes = host === name ? unpack(packed, largest) : packed;
    return { bytes, modified: last * SECOND };
  }
}

/** A column of bytes comes as a text in which each character is one of them. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  // what is beyond a byte would be cut down to one
  if (bytes.toString("latin1") !== text) throw new Error("the core gives no bytes");
  return bytes;
}

function unpack(packed: Buffer, largest: number): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: largest });
  } catch {
    throw new Error(`it cannot be unpacked, or is larger than ${largest} bytes`);
  }
}
