/** What the web interface answers when something fails: a page to people, problem details (RFC 9457) to programs. */

import { hex } from "../../../common/bytes.ts";
import { FarsiteError, reasonOf } from "../../../common/errors.ts";
import type { Log } from "../../../common/log.ts";
import type { Random } from "../../../common/random.ts";
import { TooOften } from "../../access/index.ts";
import type { WebContext } from "./context.ts";
import { InvalidRequest, type Wrong } from "./invalid.ts";
import type { Look } from "./look.ts";
import { PHRASES, statusOf } from "./status.ts";

/** Where programs ask. */
const FOR_PROGRAMS = /^\/(?:api|events|metrics|healthz|readyz)(?:\/|$)/;
/** Seconds after which to come again, where an error does not say. */
const LATER = 60;

/** For `Retry-After`. */
export function later(error: unknown): string {
  return String(error instanceof TooOften ? Math.ceil(error.later / 1_000) : LATER);
}

export function forPrograms(path: string): boolean {
  return FOR_PROGRAMS.test(path);
}

export interface Failure {
  status: keyof typeof PHRASES;
  code: string;
  message: string;
  hint: string | undefined;
  /** With 429: seconds after which to come again. */
  later?: string;
  /** Of a malformed request: each field that is wrong. */
  errors?: readonly Wrong[];
}

/** What is told of an error; one that nobody expected is logged, with a number that the answer names. */
export function failureOf(error: unknown, log: Log, random: Random): Failure {
  const status = error instanceof FarsiteError ? statusOf(error) : undefined;
  if (error instanceof FarsiteError && status !== undefined)
    return {
      status,
      code: error.code,
      message: error.message,
      hint: error.hint,
      ...(status === 429 && { later: later(error) }),
      ...(error instanceof InvalidRequest && { errors: error.errors }),
    };
  const number = hex(random.bytes(4));
  log.error("web request failed", { fault: reasonOf(error), number });
  const hint = `The hub's log says more; look there for ${number}.`;
  return { status: 500, code: "E_INTERNAL", message: `the hub had a fault (${number})`, hint };
}

export async function answerFailure(context: WebContext, failure: Failure, look: Look): Promise<Response> {
  const { status, code, message, hint, errors } = failure;
  if (failure.later !== undefined) context.header("retry-after", failure.later);
  if (status === 401) context.header("www-authenticate", "Bearer");
  context.header("cache-control", "no-store");
  if (!forPrograms(context.req.path)) return context.html(await look.failure(failure, context), status);
  const problem = {
    type: "about:blank",
    title: PHRASES[status],
    status,
    detail: message,
    code,
    ...(hint !== undefined && { hint }),
    ...(errors && { errors }),
  };
  return context.body(JSON.stringify(problem), status, { "content-type": "application/problem+json" });
}
