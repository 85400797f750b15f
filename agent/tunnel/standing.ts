/** Failures that time alone does not mend. */

import type { ErrorCode } from "../../common/errors.ts";

/** What only a person can change; it is still tried, seldom. */
const STANDING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "E_KEY_UNKNOWN",
  "E_KEY_REVOKED",
  "E_SITE_DISABLED",
  "E_VERSION",
  "E_HUB_KEY",
  "E_TLS_UNTRUSTED",
  "E_PROXY_AUTH_WANTED",
  "E_PROXY_AUTH_WRONG",
  "E_PROXY_AUTH_SCHEME",
]);

/** Those among them that nobody vouches for: they are said before keys are agreed. */
const FORGEABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["E_VERSION", "E_HUB_KEY", "E_TLS_UNTRUSTED"]);

/** Whether only a person can change it. */
export function isStanding(code: ErrorCode): boolean {
  return STANDING.has(code);
}

/** Whether something on the way that changes a message may be its cause as well. */
export function isForgeable(code: ErrorCode): boolean {
  return FORGEABLE.has(code);
}
