import { FarsiteError } from "../../common/errors.ts";

/** E_TOO_OFTEN, with when to come again. */
export class TooOften extends FarsiteError {
  /** @param later ms until another try is heard */
  constructor(
    what: string,
    readonly later: number,
  ) {
    super("E_TOO_OFTEN", what, `Try again in ${inWords(later)}.`);
  }
}

function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}
