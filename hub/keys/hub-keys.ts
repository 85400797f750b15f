/**
 * The hub's own key, and those it had before: for a time it goes by either, so that every agent comes once more with
 * the one it knows and learns the new one.
 */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { FarsiteError } from "../../common/errors.ts";
import { readSecretFile, writeSecretFile } from "../../common/files.ts";
import { loadOrMakeIdentity, writeIdentity } from "../../common/identity.ts";
import { parseJson } from "../../common/json.ts";
import { KEY_BYTES, KeyPair } from "../../common/noise/index.ts";
import type { Random } from "../../common/random.ts";

export interface HubKeysOptions {
  /** The state directory. */
  directory: string;
  random: Random;
  /** Wall clock, ms. */
  wall: () => number;
}

/** A key that the hub had before. */
interface Former {
  identity: KeyPair;
  /** Agents may come with it until then, ms since the epoch. */
  until: number;
  /** What was sealed for it is opened until then: agents keep things that long. */
  opens: number;
}

const HUB_KEY_FILE = "hub.key";
const FORMER_FILE = "hub-keys.json";
/** Former keys that are kept: each costs a handshake that none of them fits a few tenths of a millisecond. */
const MOST_FORMER = 4;
/** ms for which an agent's outbox may keep what it sealed, as agent.toml limits it. */
const OUTBOX_AGE = 366 * 86_400_000;

const time = z.int().min(0);
const layout = z.strictObject({
  /** When the present key was made, ms since the epoch. */
  made: time,
  former: z.array(z.strictObject({ secret: z.string(), until: time, opens: time })).max(MOST_FORMER + 1),
});

export class HubKeys {
  #current: KeyPair;
  #made: number;
  #former: readonly Former[];
  readonly #options: HubKeysOptions;
  readonly #path: string;
  readonly #formerPath: string;

  /** Throws E_KEY_FILE or E_STATE. */
  constructor(options: HubKeysOptions) {
    const { directory, random } = options;
    this.#options = options;
    this.#path = join(directory, HUB_KEY_FILE);
    this.#formerPath = join(directory, FORMER_FILE);
    this.#current = loadOrMakeIdentity(this.#path, random);
    const { made, former } = this.#read();
    this.#made = made;
    // the hub was killed between the two files: the present key stands among the former ones, too
    this.#former = former.filter(({ identity }) => !identity.publicKey.equals(this.#current.publicKey));
  }

  /** The key that agents and tokens are to have. */
  get current(): KeyPair {
    return this.#current;
  }

  /** When that was made, ms since the epoch. */
  get made(): number {
    return this.#made;
  }

  /** The keys by which agents may know the hub, the present one first. */
  get accepted(): readonly KeyPair[] {
    const now = this.#options.wall();
    return [
      this.#current,
      ...this.#former.filter(({ until }) => until > now).map(({ identity }) => identity),
    ];
  }

  /** The keys for which something may be sealed. */
  get opening(): readonly KeyPair[] {
    return [this.#current, ...this.#former.map(({ identity }) => identity)];
  }

  /** Former keys that agents may still come with, and until when (ms since the epoch). */
  get former(): { key: string; until: number }[] {
    const now = this.#options.wall();
    return this.#former
      .filter(({ until }) => until > now)
      .map(({ identity, until }) => ({ key: identity.publicKey.bytes.toString("base64"), until }));
  }

  /**
   * Makes a new key. The present one stays good for `overlap` ms. Throws E_EXISTS while too many former ones are, or
   * E_STATE.
   */
  rotate(overlap: number): void {
    const { random, wall } = this.#options;
    const now = wall();
    const kept = this.#former.filter(({ opens }) => opens > now);
    if (kept.filter(({ until }) => until > now).length >= MOST_FORMER) {
      throw new FarsiteError(
        "E_EXISTS",
        `${MOST_FORMER} former keys of the hub are still good`,
        "Wait until one has expired, or end them: farsite-hub key retire.",
      );
    }
    const next = KeyPair.identity(random);
    const until = now + overlap;
    const former = [{ identity: this.#current, until, opens: until + OUTBOX_AGE }, ...kept].slice(
      0,
      MOST_FORMER,
    );
    // first what must not be lost: then the hub may be killed at any moment
    this.#write({ made: now, former });
    writeIdentity(this.#path, next);
    [this.#current, this.#made, this.#former] = [next, now, former];
  }

  /** Ends the former keys now; what was sealed for them is still opened. Throws E_STATE. */
  retire(): void {
    const now = this.#options.wall();
    const former = this.#former.map((each) => ({ ...each, until: Math.min(each.until, now) }));
    this.#write({ made: this.#made, former });
    this.#former = former;
  }

  #read(): { made: number; former: Former[] } {
    const text = readSecretFile(this.#formerPath);
    if (text === undefined) return { made: madeAt(this.#path), former: [] };
    const parsed = layout.safeParse(parseJson(text));
    const former = parsed.data?.former.map(({ secret, until, opens }) => ({
      secret: Buffer.from(secret, "base64"),
      until,
      opens,
    }));
    if (!parsed.data || !former?.every(({ secret }) => secret.length === KEY_BYTES)) {
      throw new FarsiteError(
        "E_KEY_FILE",
        `the key file ${this.#formerPath} is damaged`,
        "Restore it from a backup. Without one, remove it: agents that still go by a former key must enrol again.",
      );
    }
    return {
      made: parsed.data.made,
      former: former.map(({ secret, ...times }) => ({ identity: new KeyPair(secret), ...times })),
    };
  }

  #write({ made, former }: { made: number; former: readonly Former[] }): void {
    const kept = former.map(({ identity, until, opens }) => ({
      secret: identity.exportSecret().toString("base64"),
      until,
      opens,
    }));
    writeSecretFile(this.#formerPath, `${JSON.stringify({ made, former: kept })}\n`);
  }
}

/** A key that was never replaced is as old as its file. */
function madeAt(path: string): number {
  return existsSync(path) ? Math.floor(statSync(path).mtimeMs) : 0;
}
