/** Passwords: argon2id (RFC 9106) by the runtime. */

import { FarsiteError } from "../../common/errors.ts";

/** Characters; NIST SP 800-63B-4, 3.1.1.2, asks for 15 where nothing else is asked for, and for 8 at least. */
const SHORTEST = 12;
/** Bytes of UTF-8; hashing more serves nobody. */
const LONGEST = 1024;
/** KiB and passes: OWASP's least for argon2id is 19 MiB and 2. */
const COST = { algorithm: "argon2id", memoryCost: 65_536, timeCost: 2 } as const;

/** Throws E_PASSWORD: it is too short or too long. */
export function hashPassword(password: string): Promise<string> {
  const normal = password.normalize("NFC");
  if ([...normal].length < SHORTEST || Buffer.byteLength(normal) > LONGEST) {
    throw new FarsiteError(
      "E_NAME",
      "the password is too short or too long",
      `${SHORTEST} characters or more.`,
    );
  }
  return Bun.password.hash(normal, COST);
}

/** Of a password that nobody has; made when it is first needed. */
let nobody: Promise<string> | undefined;

/** Takes as long where there is no user, or none with a password. */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  const normal = password.normalize("NFC");
  if (normal === "" || Buffer.byteLength(normal) > LONGEST) return false;
  nobody ??= Bun.password.hash(crypto.randomUUID(), COST);
  const other = await nobody;
  const fits = await Bun.password.verify(normal, hash ?? other).catch(() => false);
  return fits && hash !== undefined;
}
