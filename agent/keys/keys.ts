/**
 * Who this agent is to its hub, and how it knows the hub: both keys can be renewed while the tunnel serves. There is
 * an overlap, in which an older key is still good; what is tried when is decided here.
 */
import { sameBytes } from "../../common/bytes.ts";
import type { ErrorCode } from "../../common/errors.ts";
import { KeyPair } from "../../common/noise/index.ts";
import type { Random } from "../../common/random.ts";

/** What one handshake is made with. */
export interface Credentials {
  readonly identity: KeyPair;
  readonly hubKey: Uint8Array;
}

/** Keeps keys for good; each call returns when the disk has them. Throws E_STATE. */
export interface KeyStore {
  /** A key that is about to take the present one's place. */
  keepNext(identity: KeyPair): void;
  /** It took it. */
  keepIdentity(identity: KeyPair): void;
  /** The hub's keys, the newest first. */
  keepHubKeys(keys: readonly Uint8Array[]): void;
}

export interface KeysOptions {
  identity: KeyPair;
  /** A key that was made, and of which the hub may have heard. */
  next: KeyPair | undefined;
  /** The hub's keys, the newest first; at least one. */
  hubKeys: readonly Uint8Array[];
  store: KeyStore;
  random: Random;
}

/** Keys of the hub that are remembered: its present one, and the one before, for a hub that was put back to it. */
const MOST_HUB_KEYS = 2;

export class Keys {
  #identity: KeyPair;
  #next: KeyPair | undefined;
  /** Whether the hub may know the next key. */
  #offered: boolean;
  #hubKeys: readonly Uint8Array[];
  readonly #store: KeyStore;
  readonly #random: Random;
  /** Of `#candidates`, the one whose turn it is. */
  #turn = 0;

  constructor({ identity, next, hubKeys, store, random }: KeysOptions) {
    this.#identity = identity;
    this.#next = next;
    this.#offered = next !== undefined;
    this.#hubKeys = hubKeys;
    this.#store = store;
    this.#random = random;
  }

  /** With what the next handshake is to be made. */
  get credentials(): Credentials {
    const all = this.#candidates();
    return all[this.#turn] ?? (all[0] as Credentials);
  }

  /** The key by which the hub knows this agent. */
  get identity(): KeyPair {
    return this.#identity;
  }

  /** The hub's newest key. */
  get hubKey(): Uint8Array {
    return this.#hubKeys[0] as Uint8Array;
  }

  /** The hub took these. Throws E_STATE when a new key of this agent's cannot be kept; it still is on disk as the next one. */
  proved({ identity }: Credentials): void {
    this.#turn = 0;
    if (identity !== this.#next) return;
    this.#identity = identity;
    this.#next = undefined;
    this.#offered = false;
    this.#store.keepIdentity(identity);
  }

  /** The hub did not take these. Whether there are others, worth a try at once. */
  failed(tried: Credentials, code: ErrorCode): boolean {
    const differs: ((one: Credentials) => boolean) | undefined =
      code === "E_KEY_UNKNOWN"
        ? ({ identity }) => identity !== tried.identity
        : code === "E_HUB_KEY"
          ? ({ hubKey }) => hubKey !== tried.hubKey
          : undefined;
    if (!differs) return false;
    const all = this.#candidates();
    const another = all.findIndex((one, at) => at > this.#turn && differs(one));
    this.#turn = Math.max(0, another);
    return another > 0;
  }

  /** A key for this agent to take in the place of its present one, kept already: the same until the hub took it. Throws E_STATE. */
  makeNext(): KeyPair {
    const next = this.#next ?? KeyPair.identity(this.#random);
    this.#store.keepNext(next);
    this.#next = next;
    return next;
  }

  /** The hub says that it takes a key. Whether it is the next one. */
  taken(publicKey: Uint8Array): boolean {
    const is = this.#next !== undefined && sameBytes(this.#next.publicKey.bytes, publicKey);
    this.#offered ||= is;
    return is;
  }

  /** The hub, over a session in which it has proved to be the hub, says which its key is. Whether that is news. Throws E_STATE. */
  learnHubKey(key: Uint8Array): boolean {
    if (sameBytes(key, this.hubKey)) return false;
    const others = this.#hubKeys.filter((known) => !sameBytes(known, key));
    const keys = [key, ...others].slice(0, MOST_HUB_KEYS);
    this.#store.keepHubKeys(keys);
    this.#hubKeys = keys;
    this.#turn = 0;
    return true;
  }

  /** In the order in which they are tried. */
  #candidates(): Credentials[] {
    const identities = this.#next && this.#offered ? [this.#next, this.#identity] : [this.#identity];
    return this.#hubKeys.flatMap((hubKey) => identities.map((identity) => ({ identity, hubKey })));
  }
}
