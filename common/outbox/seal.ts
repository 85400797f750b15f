/**
 * Items as they lie on the agent's disk and go to the hub: packed, and readable by the hub alone.
 *
 *    0  32  a public key made for this: the secret half is forgotten, so that the sealing side cannot open it again
 *   32  24  nonce, random
 *   56      NaCl box (X25519, XSalsa20, Poly1305) of a zstd frame
 */
import { zstdDecompressSync } from "node:zlib";
import nacl from "tweetnacl";
import { FarsiteError } from "../errors.ts";
import { KEY_BYTES, KeyPair, PublicKey } from "../noise/index.ts";
import type { Random } from "../random.ts";

const KEY = KEY_BYTES;
const NONCE = nacl.box.nonceLength;

/** Items that are sealed with one key pair. */
const ITEMS_PER_KEY = 64;
/** Keys of others whose shared secret is remembered. */
const MOST_SHARED = 256;
/** What Salsa20 has between its words. */
const SIGMA = Buffer.from("expand 32-byte k", "latin1");
/** tweetnacl's own parts, which its types leave out. */
const { lowlevel } = nacl as unknown as {
  lowlevel: {
    crypto_core_hsalsa20(out: Uint8Array, input: Uint8Array, key: Uint8Array, constant: Uint8Array): void;
  };
};
/** Level of zstd: 100 MB/s, and notifications shrink to a third. */
const LEVEL = 5;

/** Seals for one hub. */
export class Sealer {
  #own: { publicKey: Uint8Array; shared: Uint8Array } | undefined;
  /** For which key of the hub that was made. */
  #for: Uint8Array | undefined;
  #used = 0;

  /** @param hubKey the hub's key now; another object when it is another key */
  constructor(
    private readonly hubKey: () => Uint8Array,
    private readonly random: Random,
  ) {}

  seal(body: Uint8Array): Buffer {
    const { publicKey, shared } = this.#key();
    const nonce = this.random.bytes(NONCE);
    const packed = Bun.zstdCompressSync(body, { level: LEVEL });
    return Buffer.concat([publicKey, nonce, nacl.box.after(packed, nonce, shared)]);
  }

  #key(): { publicKey: Uint8Array; shared: Uint8Array } {
    const hubKey = this.hubKey();
    if (this.#own === undefined || this.#for !== hubKey || this.#used >= ITEMS_PER_KEY) {
      const pair = KeyPair.ephemeral(this.random);
      this.#own = { publicKey: pair.publicKey.bytes, shared: sharedKey(pair, new PublicKey(hubKey)) };
      this.#for = hubKey;
      this.#used = 0;
    }
    this.#used++;
    return this.#own;
  }
}

/** Opens what was sealed for one of its keys. */
export class Opener {
  readonly #shared = new Map<string, Uint8Array>();

  /** @param keys the hub's keys now, the most likely first */
  constructor(private readonly keys: () => readonly KeyPair[]) {}

  /** @param most bytes of the body. Throws E_PROTOCOL when it is longer, or was not sealed for this key. */
  open(sealed: Uint8Array, most: number): Buffer {
    if (sealed.length < KEY + NONCE) throw broken("an item is too short to be sealed");
    const nonce = sealed.subarray(KEY, KEY + NONCE);
    const box = sealed.subarray(KEY + NONCE);
    let packed: Uint8Array | null = null;
    for (const own of this.keys()) {
      const shared = this.#sharedWith(sealed.subarray(0, KEY), own);
      if (shared) packed ??= nacl.box.open.after(box, nonce, shared);
    }
    if (!packed) throw broken("an item was not sealed for this hub's key");
    try {
      return zstdDecompressSync(packed, { maxOutputLength: most });
    } catch {
      throw broken(`an item cannot be unpacked, or is longer than ${most} bytes`);
    }
  }

  /** Undefined for what is no key. */
  #sharedWith(key: Uint8Array, own: KeyPair): Uint8Array | undefined {
    const name = `${own.publicKey.short} ${Buffer.from(key).toString("base64")}`;
    const known = this.#shared.get(name);
    if (known) return known;
    if (this.#shared.size >= MOST_SHARED) this.#shared.clear();
    let shared: Uint8Array;
    try {
      shared = sharedKey(own, new PublicKey(key));
    } catch {
      return undefined;
    }
    this.#shared.set(name, shared);
    return shared;
  }
}

/**
 * The key of a box between two (NaCl, crypto_box_beforenm): HSalsa20 of the X25519 secret. That secret comes from
 * node:crypto, which takes a fiftieth of tweetnacl's time, and of an interpreter's a thousandth: 15 ms in which nothing
 * else would go on.
 */
function sharedKey(own: KeyPair, other: PublicKey): Uint8Array {
  const key = new Uint8Array(nacl.box.sharedKeyLength);
  lowlevel.crypto_core_hsalsa20(key, new Uint8Array(16), own.agree(other), SIGMA);
  return key;
}

function broken(what: string): FarsiteError {
  return new FarsiteError("E_PROTOCOL", what);
}
