/** Heads of HTTP/1 requests and answers (RFC 9112, sections 2 to 5), read strictly and within bounds. */

import { type Field, parseField, tokensOf } from "../../common/http/index.ts";
import { HttpRefusal } from "./refusal.ts";

/** Most bytes of a head: what common servers take of one. */
export const MAX_HEAD = 32 << 10;
/** Most field lines of it; Apache takes 100. */
export const MAX_FIELDS = 128;

export interface Head {
  version: "1.0" | "1.1";
  /** In their order. */
  fields: Field[];
}

export interface RequestHead extends Head {
  method: string;
  /** In origin form: a path with its query, or `*`. */
  target: string;
}

export interface ResponseHead extends Head {
  /** 100 to 599. */
  status: number;
  reason: string;
}

const REQUEST_LINE = /^([!#$%&'*+.^_`|~\w-]{1,32}) ([\x21-\x7e]+) HTTP\/(\d\.\d)$/;
const STATUS_LINE = /^HTTP\/(1\.[01]) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
/** A request target in absolute form; its authority takes the place of Host (RFC 9112, 3.2.2). */
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;
/** Host: a name, an IPv4 address or an IPv6 one in brackets, and a port. */
const HOST = /^(?:[\w.~-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/;

/** The values of a field, in their order. */
export function valuesOf({ fields }: Head, name: string): string[] {
  return fields.filter((field) => field[0].toLowerCase() === name).map((field) => field[1]);
}

/** The elements of a field that is a list of tokens, in lower case. */
export function listOf(head: Head, name: string): string[] {
  return tokensOf(valuesOf(head, name));
}

/** @param text all before the empty line, as Latin-1. Throws HttpRefusal for what is no request. */
export function parseRequest(text: string): RequestHead {
  const [first = "", ...lines] = text.split("\r\n");
  const [, method, target, version] = REQUEST_LINE.exec(first) ?? [];
  if (method === undefined || target === undefined) throw malformed("the first line is no request");
  if (version !== "1.0" && version !== "1.1") throw new HttpRefusal(505, "HTTP/1.0 and 1.1 are spoken here");
  const head: RequestHead = { method, target, version, fields: fieldsOf(lines) };
  const [host, another] = valuesOf(head, "host");
  if (another !== undefined) throw malformed("more than one Host");
  if (host === undefined && version === "1.1") throw malformed("Host is missing");
  if (host !== undefined && !HOST.test(host)) throw malformed("Host is not valid");
  return inOriginForm(head);
}

function inOriginForm(head: RequestHead): RequestHead {
  const { method, target, fields } = head;
  if (target.startsWith("/")) return head;
  if (target === "*" && method === "OPTIONS") return head;
  const [, authority = "", path = ""] = ABSOLUTE.exec(target) ?? [];
  if (method === "CONNECT" || !HOST.test(authority)) throw malformed("the target is no path");
  return {
    ...head,
    target: path.startsWith("/") ? path : `/${path}`,
    fields: [["Host", authority], ...fields.filter(([name]) => name.toLowerCase() !== "host")],
  };
}

/** @param text all before the empty line, as Latin-1. Throws HttpRefusal for what is no answer. */
export function parseResponse(text: string): ResponseHead {
  const [first = "", ...lines] = text.split("\r\n");
  const [, version, status, reason = ""] = STATUS_LINE.exec(first) ?? [];
  if (version === undefined) throw malformed("the first line is no status");
  return { version: version as Head["version"], status: Number(status), reason, fields: fieldsOf(lines) };
}

function fieldsOf(lines: readonly string[]): Field[] {
  return lines.map((line) => {
    const field = parseField(line);
    if (!field) throw malformed("a line is no header field");
    return field;
  });
}

const LF = 0x0a;
const CR = 0x0d;

/** Collects bytes until a head is whole. */
export class HeadReader {
  #bytes: Buffer = Buffer.alloc(0);
  /** Where the line that is being read begins, and how far it has been looked at. */
  #line = 0;
  #seen = 0;
  #lines = 0;

  /** Bytes here, of this head or behind it. */
  get held(): number {
    return this.#bytes.length;
  }

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  /** Takes what came behind the last head. */
  rest(): Buffer {
    const bytes = this.#bytes;
    this.#restart(Buffer.alloc(0));
    return bytes;
  }

  /** The next head's text, without the empty line; undefined: more must come. Throws HttpRefusal. */
  next(): string | undefined {
    for (;;) {
      const end = this.#bytes.indexOf(LF, this.#seen);
      if ((end === -1 ? this.#bytes.length : end) >= MAX_HEAD) {
        throw new HttpRefusal(431, `a head of more than ${MAX_HEAD >> 10} KiB`);
      }
      if (end === -1) {
        this.#seen = this.#bytes.length;
        return undefined;
      }
      if (end === 0 || this.#bytes[end - 1] !== CR) throw malformed("a line does not end with CR LF");
      const empty = end - 1 === this.#line;
      if (empty && this.#line > 0) {
        const text = this.#bytes.toString("latin1", 0, end - 3);
        this.#restart(this.#bytes.subarray(end + 1));
        return text;
      }
      // an empty line before a request is left out (RFC 9112, 2.2), but not any number of them
      if (++this.#lines > MAX_FIELDS + 1) throw new HttpRefusal(431, `more than ${MAX_FIELDS} header fields`);
      if (empty) this.#bytes = this.#bytes.subarray(end + 1);
      this.#line = empty ? 0 : end + 1;
      this.#seen = this.#line;
    }
  }

  #restart(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#line = 0;
    this.#seen = 0;
    this.#lines = 0;
  }
}

export function malformed(what: string): HttpRefusal {
  return new HttpRefusal(400, `malformed HTTP: ${what}`);
}
