/** Where the body of a message ends (RFC 9112, section 6). What two readers could see differently is refused. */

import { listOf, malformed, type RequestHead, type ResponseHead, valuesOf } from "./head.ts";
import { HttpRefusal } from "./refusal.ts";

/** `close`: at the end of the connection. */
export type Framing = "none" | "chunked" | "close" | { bytes: number };

/** 2^53 has 16 digits; fewer are enough for any file. */
const LENGTH = /^\d{1,15}$/;

/** Throws HttpRefusal for a length that could be taken for another one (request smuggling). */
export function requestFraming(head: RequestHead): Framing {
  const codings = valuesOf(head, "transfer-encoding");
  const length = lengthOf(valuesOf(head, "content-length"));
  if (codings.length === 0) return length === undefined ? "none" : { bytes: length };
  if (length !== undefined) throw malformed("both Content-Length and Transfer-Encoding");
  if (head.version === "1.0") throw malformed("Transfer-Encoding in HTTP/1.0");
  if (codings.length > 1) throw malformed("more than one Transfer-Encoding");
  if (!isChunked(head)) throw new HttpRefusal(501, "no Transfer-Encoding but chunked is known here");
  return "chunked";
}

/** The same for an answer. @param method of the request @param version that was asked in */
export function responseFraming(
  head: ResponseHead,
  method: string,
  version: RequestHead["version"],
): Framing {
  const { status } = head;
  const codings = valuesOf(head, "transfer-encoding");
  const length = lengthOf(valuesOf(head, "content-length"));
  if (codings.length > 0) {
    if (length !== undefined) throw malformed("both Content-Length and Transfer-Encoding");
    if (version === "1.0") throw malformed("Transfer-Encoding to HTTP/1.0");
    if (codings.length > 1 || !isChunked(head)) throw malformed("a Transfer-Encoding other than chunked");
  }
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return "none";
  if (codings.length > 0) return "chunked";
  return length === undefined ? "close" : { bytes: length };
}

function isChunked(head: RequestHead | ResponseHead): boolean {
  const [only, ...others] = listOf(head, "transfer-encoding");
  return only === "chunked" && others.length === 0;
}

function lengthOf(values: readonly string[]): number | undefined {
  const [length, another] = values;
  if (length === undefined) return undefined;
  if (another !== undefined) throw malformed("more than one Content-Length");
  if (!LENGTH.test(length)) throw malformed("Content-Length is no number");
  return Number(length);
}
