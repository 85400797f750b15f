/** Files that must not be half written, and not be read by others. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { FarsiteError, reasonOf } from "./errors.ts";

interface Owner {
  uid: number;
  gid: number;
}

/** Whose a folder is, for root, who can give files away: what root makes there is for the user of that folder. */
function ownerOf(folder: string): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = statSync(folder);
  return { uid, gid };
}

/**
 * Makes a directory (and its parents) that only `mode` may enter. One that root makes belongs to the owner of the
 * directory above it. Throws E_STATE.
 */
export function ensureDirectory(path: string, mode: number): void {
  try {
    const first = mkdirSync(path, { recursive: true, mode });
    if (first !== undefined) giveAway(resolve(path), resolve(first), ownerOf(dirname(resolve(first))));
    if (!statSync(path).isDirectory()) throw new Error("it is not a directory");
  } catch (error) {
    throw new FarsiteError(
      "E_STATE",
      `the directory ${path} cannot be used: ${reasonOf(error)}`,
      "Name another with --state-dir or --run-dir, or run as the user who owns it.",
    );
  }
}

/** Gives the directory at `path`, and those above it up to `first`, to somebody. */
function giveAway(path: string, first: string, owner: Owner | undefined): void {
  if (!owner) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    // its new owner may put a link in its place at any moment: what is opened is the directory, or nothing
    const directory = openSync(made, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      fchownSync(directory, owner.uid, owner.gid);
    } finally {
      closeSync(directory);
    }
  }
}

/**
 * Writes a file whole or not at all: a new one beside it, flushed to disk, then renamed over it, and the
 * directory flushed too. Throws E_STATE.
 * @param owner whose it is to be; only root can give files away
 */
export function writeFileAtomic(path: string, contents: string, mode: number, owner?: Owner): void {
  const temporary = `${path}.${process.pid}.new`;
  try {
    // what is there already, left behind or put there by the folder's user, is not written into
    rmSync(temporary, { force: true });
    const file = openSync(temporary, "wx", mode);
    try {
      if (owner) fchownSync(file, owner.uid, owner.gid);
      fchmodSync(file, mode);
      writeSync(file, contents);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    const directory = openSync(dirname(path), "r");
    fsyncSync(directory);
    closeSync(directory);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new FarsiteError("E_STATE", `${path} cannot be written: ${reasonOf(error)}`);
  }
}

/** Writes a file that only its owner may read; one that root writes belongs to the owner of its folder. Throws E_STATE. */
export function writeSecretFile(path: string, contents: string): void {
  writeFileAtomic(path, contents, 0o600, ownerOf(dirname(path)));
}

/** Reads a secret; a file that others may read is refused. Undefined when there is none. Throws E_KEY_FILE. */
export function readSecretFile(path: string): string | undefined {
  let mode: number;
  let text: string;
  try {
    mode = statSync(path).mode;
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new FarsiteError(
      "E_KEY_FILE",
      `the key file ${path} cannot be read: ${reasonOf(error)}`,
      "Run as the user who owns it.",
    );
  }
  if ((mode & 0o077) !== 0) {
    throw new FarsiteError("E_KEY_FILE", `the key file ${path} can be read by others`, `chmod 600 ${path}`);
  }
  return text;
}
