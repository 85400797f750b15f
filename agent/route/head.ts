/** Reads the head of an HTTP/1.1 answer from a socket (RFC 9112, sections 2 to 5), strictly and within bounds. */
import type { Socket } from "node:net";
import type { FarsiteError } from "../../common/errors.ts";
import { parseField, tokensOf } from "../../common/http/index.ts";
import { type Limit, step, type Trouble } from "./step.ts";

/** Most bytes of an answer's head, interim answers included: what common servers and proxies send at most. */
export const MAX_HEAD = 16 << 10;

export interface Head {
  /** 200 to 599. */
  status: number;
  /** The reason phrase as sent. */
  reason: string;
  /** HTTP/1.0 or 1.1. */
  version: "1.0" | "1.1";
  /** By lower-case name; several fields of one name in their order. */
  fields: ReadonlyMap<string, readonly string[]>;
}

export interface Answer {
  head: Head;
  /** What came behind the head already. */
  rest: Buffer;
}

const STATUS_LINE = /^HTTP\/(1\.[01]) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;

/** Reads one head; undefined when it is not one of HTTP/1. `text` is all before the empty line, as Latin-1. */
export function parseHead(text: string): Head | undefined {
  const [first = "", ...lines] = text.split("\r\n");
  const status = STATUS_LINE.exec(first);
  if (!status) return undefined;
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const field = parseField(line);
    if (!field) return undefined;
    const key = field[0].toLowerCase();
    fields.set(key, [...(fields.get(key) ?? []), field[1]]);
  }
  return {
    status: Number(status[2]),
    reason: status[3] ?? "",
    version: status[1] as Head["version"],
    fields,
  };
}

/** The elements of a field that is a list of tokens (RFC 9110, section 5.6.1), in lower case. */
export function tokens(head: Head, name: string): string[] {
  return tokensOf(head.fields.get(name) ?? []);
}

/**
 * Reads the final answer on a socket, which it leaves paused. Interim answers (1xx) but 101 are skipped.
 * @param malformed the error for what is no HTTP answer, or too long; the socket is destroyed then
 */
export function readAnswer(
  socket: Socket,
  limit: Limit,
  failed: (trouble: Trouble) => FarsiteError,
  malformed: (what: string) => FarsiteError,
): Promise<Answer> {
  return step(socket, limit, failed, (done, fail) => {
    let bytes = Buffer.alloc(0);
    let from = 0;
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      for (;;) {
        const end = bytes.indexOf("\r\n\r\n", from);
        if (end > MAX_HEAD || (end === -1 && bytes.length > MAX_HEAD)) return fail(malformed("too long"));
        // so that what is no HTTP at all is told at once, and not when time is over
        if (!looksLikeHttp(bytes, from)) return fail(malformed("not HTTP"));
        if (end === -1) return;
        const head = parseHead(bytes.toString("latin1", from, end));
        if (!head) return fail(malformed("not HTTP"));
        from = end + 4;
        if (head.status >= 200 || head.status === 101) return done({ head, rest: bytes.subarray(from) });
      }
    };
    socket.on("data", onData);
    socket.resume();
    return () => {
      socket.off("data", onData);
      socket.pause();
    };
  });
}

function looksLikeHttp(bytes: Buffer, from: number): boolean {
  const begin = bytes.toString("latin1", from, from + 7);
  return "HTTP/1.".startsWith(begin);
}
