/** A side's own long-lived key: made once, kept in one file that only its owner may read. */

import { FarsiteError } from "./errors.ts";
import { readSecretFile, writeSecretFile } from "./files.ts";
import { KEY_BYTES, KeyPair } from "./noise/index.ts";
import type { Random } from "./random.ts";

/** The key in `path`, or undefined when there is no such file. Throws E_KEY_FILE. */
export function readIdentity(path: string): KeyPair | undefined {
  const text = readSecretFile(path);
  if (text === undefined) return undefined;
  const secret = Buffer.from(text.trim(), "base64");
  if (secret.length !== KEY_BYTES || secret.toString("base64") !== text.trim()) {
    throw new FarsiteError(
      "E_KEY_FILE",
      `the key file ${path} does not hold a key`,
      "Restore it from a backup. Without one, remove it: a hub makes a new key, and every agent must enrol again; " +
        "an agent enrols again with a new token.",
    );
  }
  return new KeyPair(secret);
}

export function writeIdentity(path: string, identity: KeyPair): void {
  writeSecretFile(path, `${identity.exportSecret().toString("base64")}\n`);
}

/** The key in `path`, made and written there when there was none. Throws E_KEY_FILE or E_STATE. */
export function loadOrMakeIdentity(path: string, random: Random): KeyPair {
  const present = readIdentity(path);
  if (present) return present;
  const made = KeyPair.identity(random);
  writeIdentity(path, made);
  return made;
}
