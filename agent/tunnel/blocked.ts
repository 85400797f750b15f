import { FarsiteError } from "../../common/errors.ts";

/** The hub's host was reached, but this kind of carrier does not get through to the hub: another kind may. */
export class CarrierBlocked extends FarsiteError {
  constructor(cause: FarsiteError) {
    super(cause.code, cause.message, cause.hint, { cause });
  }
}
