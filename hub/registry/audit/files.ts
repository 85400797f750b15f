/** What of the audit is beside the database, in the state directory: its key, and how far it has come. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Disk } from "../../../common/disk.ts";
import { FarsiteError, reasonOf } from "../../../common/errors.ts";
import { readSecretFile, writeSecretFile } from "../../../common/files.ts";
import type { Log } from "../../../common/log.ts";
import { Runs } from "../../../common/runs.ts";
import { decodeLink, encodeLink, type Link, SEAL_BYTES } from "./seal.ts";

const KEY_FILE = "audit.key";
const HEAD_FILE = "audit.head";

/** The audit's key; undefined when there is none yet. Throws E_KEY_FILE. */
export function readAuditKey(stateDir: string): Buffer | undefined {
  const path = join(stateDir, KEY_FILE);
  const text = readSecretFile(path);
  if (text === undefined) return undefined;
  const key = Buffer.from(text.trim(), "base64");
  if (key.length === SEAL_BYTES && key.toString("base64") === text.trim()) return key;
  throw new FarsiteError(
    "E_KEY_FILE",
    `the key file ${path} does not hold a key`,
    "Restore it from a backup. Without one, remove it: the hub makes a new key, seals all records anew and says so " +
      "in the audit.",
  );
}

export function writeAuditKey(stateDir: string, key: Uint8Array): void {
  writeSecretFile(join(stateDir, KEY_FILE), `${Buffer.from(key).toString("base64")}\n`);
}

/** The newest record that the hub has noted beside the database; undefined: none, or the file is damaged. */
export function readHead(stateDir: string): Link | undefined {
  try {
    return decodeLink(readFileSync(join(stateDir, HEAD_FILE), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new FarsiteError("E_STATE", `${join(stateDir, HEAD_FILE)} cannot be read: ${reasonOf(error)}`);
  }
}

/** Notes the newest record, without keeping anybody waiting: after a crash the file may be behind, never ahead. */
export class HeadFile {
  readonly #path: string;
  readonly #runs = new Runs(() => this.#write());
  #head: Link | undefined;
  #failed = false;

  constructor(
    private readonly stateDir: string,
    private readonly disk: Disk,
    private readonly log: Log,
  ) {
    this.#path = join(stateDir, HEAD_FILE);
  }

  note(head: Link): void {
    this.#head = head;
    this.#runs.ask();
  }

  async #write(): Promise<void> {
    if (!this.#head) return;
    try {
      await this.disk.write(`${this.#path}.new`, [Buffer.from(`${encodeLink(this.#head)}\n`)]);
      await this.disk.rename(`${this.#path}.new`, this.#path);
      await this.disk.sync(this.stateDir);
      this.#failed = false;
    } catch (error) {
      // the next record tries it again
      if (!this.#failed) this.log.error("the audit's head cannot be written", { reason: reasonOf(error) });
      this.#failed = true;
    }
  }

  /** Resolves when what was noted is written. */
  get idle(): Promise<void> {
    return this.#runs.idle;
  }
}
