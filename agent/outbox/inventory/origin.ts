/** Where a site's inventory is read. */

/** What tells a file from what it was before. */
export interface Version {
  /** Microseconds since the epoch. */
  modified: number;
  /** Undefined where that is not known without reading it. */
  size: number | undefined;
}

export interface Listing {
  /** What there is, by path. */
  files: Map<string, Version>;
  /** What is there and stays where it is, by path, with the reason: the hub keeps what it has of it. */
  left: Map<string, string>;
  /** Names that are none of an inventory. */
  strange: string[];
  /** Another one means that this is not the place that it was, even under its name. */
  identity: string;
}

export interface Content {
  bytes: Buffer;
  modified: number;
}

/** Nothing can be read now, not only this file. */
export class Unreachable extends Error {}

export interface Origin {
  /** For people. */
  readonly place: string;
  /** Looks at all of it. Throws an Error with a reason when it cannot be said what there is. */
  list(): Promise<Listing>;
  /** A file as it is now; undefined when it is gone. Throws an Error when it cannot be read, or Unreachable. */
  read(path: string): Promise<Content | undefined>;
}
