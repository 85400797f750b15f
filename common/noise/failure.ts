/** The errors of this folder that more than one module throws. None ever holds key bytes. */
import { FarsiteError } from "../errors.ts";

/** The other side, or something on the way, made the handshake fail. */
export function handshakeFailure(what: string): FarsiteError {
  return new FarsiteError(
    "E_HANDSHAKE",
    `Noise handshake: ${what}`,
    "The two sides hold different keys, or something between them changed what was sent.",
  );
}

/** Our own code called something out of order or with the wrong arguments. */
export function misuse(what: string): FarsiteError {
  return new FarsiteError("E_INTERNAL", `Noise: ${what}`);
}
