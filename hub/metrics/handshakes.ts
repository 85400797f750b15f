/** How handshakes of agents ended, since the hub's start: by the code of the error, and "ok". */

import type { ErrorCode } from "../../common/errors.ts";

export class Handshakes {
  enrolments = 0;
  readonly #results = new Map<ErrorCode | "ok", number>([["ok", 0]]);

  /** @param code undefined: it went well */
  concluded(code: ErrorCode | undefined): void {
    const result = code ?? "ok";
    this.#results.set(result, (this.#results.get(result) ?? 0) + 1);
  }

  get results(): ReadonlyMap<ErrorCode | "ok", number> {
    return this.#results;
  }
}
