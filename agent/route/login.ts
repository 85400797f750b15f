/** A user name and password for a proxy, and how its challenges are answered with them. */
import { hex } from "../../common/bytes.ts";
import type { Random } from "../../common/random.ts";
import type { Challenge } from "./challenge.ts";
import { answerDigest, digestStrength } from "./digest.ts";

/** Basic is answered, too, but after every kind of Digest: it gives the password away. */
const BASIC = 0.5;

/** Bytes of a client nonce: as many as a 128-bit key, beyond guessing. */
const CNONCE_BYTES = 16;

/** The strongest challenge that can be answered at all. */
export function strongest(challenges: readonly Challenge[]): Challenge | undefined {
  const strength = (each: Challenge) => (each.scheme === "basic" ? BASIC : digestStrength(each));
  return challenges.filter((each) => strength(each) > 0).sort((a, b) => strength(b) - strength(a))[0];
}

/** Its parts are private, so that it can be neither logged nor printed by accident. */
export class Login {
  readonly #user: string;
  readonly #password: string;

  constructor(user: string, password: string) {
    this.#user = user;
    this.#password = password;
  }

  /** The value of Proxy-Authorization that answers a challenge chosen with `strongest`. */
  answer(challenge: Challenge, method: string, uri: string, random: Random): string {
    const user = this.#user;
    const password = this.#password;
    if (challenge.scheme === "basic") return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    const cnonce = hex(random.bytes(CNONCE_BYTES));
    return answerDigest(challenge, { method, uri, user, password, cnonce });
  }
}
