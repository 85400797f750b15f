/** What is to be told of what there is to a hub that has what a ledger says. */
import { isSame, type Ledger } from "./ledger.ts";
import type { Listing } from "./origin.ts";

export interface Plan {
  /** Paths of what is new or changed. */
  changed: string[];
  /** Of what is gone. */
  gone: string[];
  /** Of what is missing, and the hub keeps all the same. */
  held: Set<string>;
}

/** So few may go at once. */
const FEW = 10;

/**
 * A folder that is not mounted looks like an empty one. So where it is another folder, or more than half of the files are
 * missing, nothing is taken for gone before it has been so for a time; where there is no file at all, never.
 * @param waited ms for which files have been held, 0 at first
 * @param hold ms for which they are
 */
export function planOf(
  listing: Pick<Listing, "files" | "left" | "identity">,
  ledger: Pick<Ledger, "files" | "identity">,
  waited: number,
  hold: number,
): Plan {
  const { files, left, identity } = listing;
  const changed = [...files].flatMap(([path, version]) =>
    isSame(version, ledger.files.get(path)) ? [] : [path],
  );
  const missing = [...ledger.files.keys()].filter((path) => !files.has(path) && !left.has(path));
  const moved = ledger.identity !== "" && ledger.identity !== identity;
  const many = missing.length > FEW && missing.length * 2 > ledger.files.size;
  const doubtful = missing.length > 0 && (moved || many);
  if (doubtful && (files.size === 0 || waited < hold)) return { changed, gone: [], held: new Set(missing) };
  return { changed, gone: missing, held: new Set() };
}
