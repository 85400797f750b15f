/**
 * Reads what others have written on this host: sites belong to users who may put anything there, so that links that
 * lead elsewhere, files that are no files and files without end must do no harm, also when root asks.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
} from "node:fs";
import { join, sep } from "node:path";
import { printable } from "../../common/text.ts";

/** Bytes of a file that is looked at; a nagios.cfg full of comments has some 50 KiB. */
const MAX_FILE = 256 << 10;
/** Entries of a folder that are looked at. */
const MAX_ENTRIES = 1000;
/** Characters of a name or reason in a message. */
const MAX_SHOWN = 120;

export class Tree {
  /** @param root the folder that stands for `/` */
  constructor(private readonly root: string = "/") {}

  /** Where `path` of the tree really is. */
  at(path: string): string {
    return join(this.root, path);
  }

  /**
   * The text of a file; undefined when there is none, or when it cannot be read, which is then among the problems.
   * @param within the folder that it must lie in, links followed
   */
  text(path: string, within: string, problems: string[]): string | undefined {
    try {
      const place = realpathSync(this.at(path));
      if (!isBelow(place, realpathSync(this.at(within)))) throw new Error("a link leads out of its folder");
      return readBounded(place);
    } catch (error) {
      this.#note(path, error, problems);
      return undefined;
    }
  }

  /** Names in a folder, sorted; none when there is no such folder, or when it cannot be read. */
  names(path: string, problems: string[]): string[] {
    try {
      const names = readdirSync(this.at(path)).toSorted();
      if (names.length > MAX_ENTRIES)
        problems.push(`${path}: only the first ${MAX_ENTRIES} entries were looked at`);
      return names.slice(0, MAX_ENTRIES);
    } catch (error) {
      this.#note(path, error, problems);
      return [];
    }
  }

  /** Whether it is a folder itself, no link to one; what cannot be told is among the problems. */
  isFolder(path: string, problems: string[]): boolean {
    try {
      return lstatSync(this.at(path)).isDirectory();
    } catch (error) {
      this.#note(path, error, problems);
      return false;
    }
  }

  /** What a symbolic link says; undefined when there is none. */
  link(path: string, problems: string[]): string | undefined {
    try {
      return readlinkSync(this.at(path));
    } catch (error) {
      this.#note(path, error, problems);
      return undefined;
    }
  }

  #note(path: string, error: unknown, problems: string[]): void {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") problems.push(`${shown(path)}: ${code ?? message}`);
  }
}

function isBelow(place: string, folder: string): boolean {
  return folder === sep || place.startsWith(`${folder}${sep}`);
}

/** `place` has no links in it any more, or has got one since; neither that nor a pipe is opened. */
function readBounded(place: string): string {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = openSync(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error("not a file");
    const { size } = stat;
    if (size > MAX_FILE) throw new Error(`larger than ${MAX_FILE >> 10} KiB`);
    const bytes = Buffer.alloc(size);
    return bytes.toString("utf8", 0, readSync(file, bytes, 0, size, 0));
  } finally {
    closeSync(file);
  }
}

/** A name from outside, for one line of a message. */
export function shown(text: string): string {
  return printable(text, MAX_SHOWN);
}
