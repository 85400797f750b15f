/** Passwords: argon2id (RFC 9106) by the runtime. */

import { FarsiteError } from "../../common/errors.ts";

/** Characters; NIST SP 800-63B-4, 3.1.1.2, asks for 15 where nothing else is asked for, and for 8 at least. */
const SHORTEST = 12;
/** Bytes of UTF-8; hashing more serves nobody. */
const LONGEST = 1024;

export interface Cost {
  /** KiB. */
  memory: number;
  passes: number;
}

/** Three times what OWASP asks for at least: 19 MiB and two passes. */
const COST: Cost = { memory: 65_536, passes: 2 };

export class Passwords {
  /** Of a password that nobody has; made when it is first needed. */
  #nobody: Promise<string> | undefined;

  constructor(private readonly cost = COST) {}

  /** Throws E_PASSWORD: it is too short or too long. */
  hash(password: string): Promise<string> {
    const normal = password.normalize("NFC");
    if ([...normal].length < SHORTEST || Buffer.byteLength(normal) > LONGEST) {
      throw new FarsiteError(
        "E_PASSWORD",
        "the password is too short or too long",
        `Take ${SHORTEST} characters or more, at most ${LONGEST} bytes.`,
      );
    }
    return this.#hash(normal);
  }

  /** Takes as long where there is no user, or none with a password. */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    this.#nobody ??= this.#hash(crypto.randomUUID());
    const other = await this.#nobody;
    const normal = password.normalize("NFC");
    if (Buffer.byteLength(normal) > LONGEST) return false;
    // at what is empty the runtime does not look at all
    const fits = await Bun.password.verify(normal || " ", hash ?? other).catch(() => false);
    return fits && hash !== undefined && normal !== "";
  }

  #hash(normal: string): Promise<string> {
    const { memory, passes } = this.cost;
    return Bun.password.hash(normal, { algorithm: "argon2id", memoryCost: memory, timeCost: passes });
  }
}
