/** Who was turned away at the handshake, for the audit. Anybody on the internet can be, so little is told of each. */

import type { Clock } from "../../common/clock.ts";
import type { ErrorCode, FarsiteError } from "../../common/errors.ts";
import { Notices, withUntold } from "../../common/notices.ts";
import { Seldom } from "../../common/seldom.ts";
import type { AuditWriter } from "../registry/index.ts";

/** Refusals for what somebody is or knows; others are faults of the line or of a program. */
const TOLD: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "E_HANDSHAKE",
  "E_KEY_REVOKED",
  "E_KEY_UNKNOWN",
  "E_SITE_DISABLED",
  "E_TOKEN_EXPIRED",
  "E_TOKEN_REVOKED",
  "E_TOKEN_UNKNOWN",
  "E_TOKEN_USED",
]);
/** ms between two records of the same address and code: an agent that is refused tries again and again. */
const RECORDED_EVERY = 3_600_000;

export class Strangers {
  readonly #seldom: Seldom;
  readonly #notices: Notices;
  readonly #recorder: Pick<AuditWriter, "record">;

  constructor({ clock, recorder }: { clock: Clock; recorder: Pick<AuditWriter, "record"> }) {
    this.#seldom = new Seldom(clock, RECORDED_EVERY);
    this.#notices = new Notices(clock);
    this.#recorder = recorder;
  }

  refused(peer: string, { code, message }: FarsiteError): void {
    if (!TOLD.has(code) || !this.#seldom.due(`${peer} ${code}`)) return;
    this.#notices.note((untold) =>
      this.#recorder.record(
        { who: "agent", from: peer },
        "agent.refuse",
        "",
        withUntold(`${code}: ${message}`, untold),
      ),
    );
  }
}
