/** Which queries have the same answer until the core reloads, and what two of them must have in common. */

import { headerValue, type Request, wantsFixed16 } from "../../common/livestatus/index.ts";

/** Columns that only a reload or restart of the core changes; what pages ask again and again. */
const STATIC_COLUMNS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [
    // with these Checkmk asks every site, for every page, whether it is there
    "status",
    new Set([
      "livestatus_version",
      "program_version",
      "program_start",
      "num_hosts",
      "num_services",
      "core_pid",
      "nagios_pid",
    ]),
  ],
  ...["hosts", "hostgroups", "servicegroups", "contactgroups"].map(
    (table) => [table, new Set(["name", "alias"])] as const,
  ),
]);

/** Headers that say how the client wants to be served, not what it wants. */
const ASIDE = new Set(["Localtime", "KeepAlive", "Cache", "ResponseHeader"]);

/** What else a query may say and still be static. */
const HARMLESS = new Set([
  ...ASIDE,
  ...["Columns", "ColumnHeaders", "Filter", "And", "Or", "Negate", "Limit"],
  ...["OutputFormat", "Separators", "AuthUser"],
]);

/**
 * Seconds by which a client's clock may differ from the hub's. A core shifts the times in its answer by the
 * difference, in half hours; so close, it shifts nothing.
 */
const MOST_SKEW = 60;

/**
 * Equal for queries whose answers are equal until the core reloads; undefined when the answer must not be
 * kept. The user that a query is asked for is part of it.
 * @param now the hub's clock, ms since the epoch
 */
export function cacheKey(request: Request, now: number): string | undefined {
  // without fixed16 nobody can tell a whole answer from one that was cut, or an error from an empty answer
  if (request.method !== "GET" || request.ended !== "line" || !wantsFixed16(request)) return undefined;
  if (!(asksForCache(request) || isStatic(request)) || !sameClock(request, now)) return undefined;
  let key = request.target;
  for (const { name, value } of request.headers) if (!ASIDE.has(name)) key += `\n${name}:${value}`;
  return key;
}

/** Checkmk marks static queries so, when it knows of a proxy. */
function asksForCache(request: Request): boolean {
  if (headerValue(request, "Cache") !== "reload") return false;
  return !request.headers.some(({ name }) => name.startsWith("Wait"));
}

function isStatic({ target, headers }: Request): boolean {
  const columns = STATIC_COLUMNS.get(target);
  if (!columns) return false;
  let lists = 0;
  for (const { name, value } of headers) {
    if (!HARMLESS.has(name)) return false;
    if (name === "Columns") {
      lists++;
      // any other white space than a blank makes it the core's
      for (const column of value.split(" ")) if (column !== "" && !columns.has(column)) return false;
    } else if (name === "Filter" && !columns.has(value.split(" ", 1)[0] ?? "")) return false;
  }
  return lists === 1;
}

function sameClock(request: Request, now: number): boolean {
  const local = headerValue(request, "Localtime");
  return local === undefined || Math.abs(Number(local) - now / 1_000) <= MOST_SKEW;
}
