/** A Livestatus request: what it asks, and its bytes as they came. */

/** One line below the first. */
export interface Header {
  name: string;
  /** Without the white space around it. */
  value: string;
  /** As it came, line end included. */
  line: string;
}

/**
 * Text is Latin-1 here, one character for each byte, so that nothing is lost of what is not UTF-8. Cores take
 * names as they are written, so upper and lower case differ.
 */
export interface Request {
  /** Undefined: neither, which every core ends the connection for, without a word. */
  method: "GET" | "COMMAND" | undefined;
  /** The table, or the command with its time stamp; without white space around it. */
  target: string;
  /** The first line as it came. */
  first: string;
  /** In the order they came. */
  headers: Header[];
  /** What it ended with: its empty line, or the client's half-close. */
  ended: "line" | "eof";
}

/** ms that a WaitTimeout adds to a query's own time, at most. */
const LONGEST_WAIT = 600_000;

/** The value of a header; cores take the last one. */
export function headerValue(request: Pick<Request, "headers">, name: string): string | undefined {
  const { headers } = request;
  // a loop: several of these are looked for in every query of every page
  for (let at = headers.length - 1; at >= 0; at--) {
    const header = headers[at] as Header;
    if (header.name === name) return header.value;
  }
  return undefined;
}

/** Whether the answer is to begin with a line that tells its code and its length. */
export function wantsFixed16(request: Pick<Request, "headers">): boolean {
  return headerValue(request, "ResponseHeader") === "fixed16";
}

/** Whether the connection is to stay open after the answer; after a COMMAND it does in any case. */
export function keepsAlive(request: Request): boolean {
  return request.method === "COMMAND" || headerValue(request, "KeepAlive") === "on";
}

/** ms that the core may take, besides its time, before it answers a query that waits for something. */
export function waitOf(request: Pick<Request, "headers">): number {
  const wait = Number(headerValue(request, "WaitTimeout") ?? 0);
  return Number.isFinite(wait) ? Math.min(Math.max(0, wait), LONGEST_WAIT) : 0;
}

/** Bytes of its lines. */
export function requestLength({ first, headers }: Pick<Request, "first" | "headers">): number {
  return headers.reduce((sum, { line }) => sum + line.length, first.length);
}

/** The request as it came, without the headers named; an empty line that was CR LF becomes LF. */
export function requestBytes(request: Request, without: ReadonlySet<string> = new Set()): Buffer {
  const lines = request.headers.filter((header) => !without.has(header.name)).map((header) => header.line);
  return Buffer.from(`${request.first}${lines.join("")}${request.ended === "line" ? "\n" : ""}`, "latin1");
}

/** Reads a line that is not the first. */
export function parseHeader(line: string): Header {
  const text = line.trimEnd();
  const colon = text.indexOf(":");
  if (colon < 0) return { name: text, value: "", line };
  return { name: text.slice(0, colon), value: text.slice(colon + 1).trim(), line };
}

/** Reads a first line. Cores know the two methods in capitals only, with one space behind them. */
export function parseFirst(line: string): Pick<Request, "method" | "target"> {
  const text = line.trimEnd();
  const space = text.indexOf(" ");
  const method = space < 0 ? text : text.slice(0, space);
  const target = space < 0 ? "" : text.slice(space + 1).trim();
  return { method: method === "GET" || method === "COMMAND" ? method : undefined, target };
}
