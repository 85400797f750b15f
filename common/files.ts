/** Files that must not be half written, and not be read by others. */
import {
  closeSync,
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
import { dirname } from "node:path";
import { FarsiteError, reasonOf } from "./errors.ts";

/** Makes a directory (and its parents) that only `mode` may enter. Throws E_STATE. */
export function ensureDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { recursive: true, mode });
    if (!statSync(path).isDirectory()) throw new Error("it is not a directory");
  } catch (error) {
    throw new FarsiteError(
      "E_STATE",
      `the directory ${path} cannot be used: ${reasonOf(error)}`,
      "Name another with --state-dir or --run-dir, or run as the user who owns it.",
    );
  }
}

/**
 * Writes a file whole or not at all: a new one beside it, flushed to disk, then renamed over it, and the
 * directory flushed too. Throws E_STATE.
 * @param owner whose it is to be; only root can give files away
 */
export function writeFileAtomic(
  path: string,
  contents: string,
  mode: number,
  owner?: { uid: number; gid: number },
): void {
  const temporary = `${path}.${process.pid}.new`;
  try {
    const file = openSync(temporary, "w", mode);
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

/** Writes a file that only its owner may read. */
export function writeSecretFile(path: string, contents: string): void {
  writeFileAtomic(path, contents, 0o600);
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
