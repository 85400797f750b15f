/** Why the hub answers a request itself, and that answer: short plain text, which Checkmk shows as it is. */

/** Statuses that the hub gives. */
const REASONS = {
  400: "Bad Request",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
} as const;

export type RefusalStatus = keyof typeof REASONS;

/** s after which somebody may try again when a site is away: an agent is back within that, if it can be. */
const RETRY_AFTER = 10;
/** Longest text of an answer, in UTF-16 units. */
const LONGEST = 300;
/** What could be taken for markup where the text is shown, and what is not printable. */
const UNFIT = /[<>&\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

export class HttpRefusal extends Error {
  override readonly name = "HttpRefusal";

  constructor(
    readonly status: RefusalStatus,
    message: string,
  ) {
    super(message);
  }
}

/** The whole answer. The connection ends behind it. @param head of the request; to HEAD no body is sent */
export function refusalAnswer({ status, message }: HttpRefusal, method: string | undefined): Buffer {
  const body = Buffer.from(`Farsite: ${message.slice(0, LONGEST).replace(UNFIT, "?")}\n`);
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${body.length}`,
    "Cache-Control: no-store",
    "X-Content-Type-Options: nosniff",
    ...(status === 503 ? [`Retry-After: ${RETRY_AFTER}`] : []),
    "Connection: close",
    "\r\n",
  ].join("\r\n");
  return method === "HEAD" ? Buffer.from(head) : Buffer.concat([Buffer.from(head), body]);
}
