/** Enrolment tokens that no hub made, and the secret inside of one that a hub did make. */
import { randomBytes } from "node:crypto";
import {
  decodeToken,
  type EnrolmentToken,
  encodeToken,
  TOKEN_ID_BYTES,
  TOKEN_SECRET_BYTES,
} from "../../common/handshake/index.ts";

/** A token in good form for a hub at `url`; what is not given is random. */
export function tokenOf(url: string, parts: Partial<EnrolmentToken> = {}): string {
  return encodeToken({
    url,
    hubKey: randomBytes(32),
    certificate: undefined,
    id: randomBytes(TOKEN_ID_BYTES),
    secret: randomBytes(TOKEN_SECRET_BYTES),
    ...parts,
  });
}

/** A real token with some of its parts changed, and in good form again. */
export function changedToken(token: string, parts: Partial<EnrolmentToken>): string {
  return encodeToken({ ...decodeToken(token), ...parts });
}
