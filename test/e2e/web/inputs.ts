/** What a scanner of weaknesses sends: for each route what is missing, wrong and too large. */
import type { Asked } from "../../lab/visitor.ts";

/** Hono's names of parameters in a path. */
const PARAMETER = /:(\w+)(\{[^}]*\})?\??/g;

/** Names that the hub takes in a query or in a form, of all its routes. */
const NAMES = [
  ..."q tenant site state sort dir from period limit action after group show handled kind next".split(" "),
  ..."cursor offset code problems do problem comment minutes sticky notify persistent services name".split(
    " ",
  ),
  ..."service confirm role password user scope days present wanted again".split(" "),
];

const LONG = "x".repeat(5_000);
/** A query or a form with one value for every name. */
function filled(value: string): URLSearchParams {
  return new URLSearchParams(NAMES.map((name): [string, string] => [name, value]));
}

const VALUES = [
  "",
  "\0",
  "-1",
  "1e999",
  "[]",
  '{"$ne":null}',
  "__proto__",
  "../../../../etc/passwd",
  "' OR 1=1; --",
  "\"'><script>alert(1)</script>",
  "\r\nset-cookie: a=b",
  "%ff",
  "\u{1f4a3}\u202e\ud800".toWellFormed(),
  LONG,
];

/** Bytes that are more than the hub takes. */
const TOO_LARGE = 100 * 1024;

export type Kind = "missing" | "wrong" | "oversized";
export interface Input extends Asked {
  kind: Kind;
  path: string;
}

/** A route's path with these parameters; every one that is not given is a name that nothing has. */
export function pathOf(route: string, given: Record<string, string>): string {
  return route.replace(PARAMETER, (_, name: string) => given[name] ?? "nothing");
}

/** @param route as Hono has it */
export function inputsOf(method: string, route: string, given: Record<string, string>): Input[] {
  const path = pathOf(route, given);
  const queries = [...VALUES.map(filled), ...NAMES.map((name) => new URLSearchParams([[name, LONG]]))].map(
    (query) => `${path}?${query}`,
  );
  const odd = [
    `${path}?${"a=b&".repeat(2_000)}`,
    `${path}?%`,
    `${path}?=&&%00=%00`,
    `${path}/`,
    `${path}%00`,
  ];
  const parameters = route.includes(":")
    ? VALUES.filter((value) => value !== "").map((value) => {
        const all = new Proxy({}, { get: () => encodeURIComponent(value) });
        return pathOf(route, all);
      })
    : [];
  if (method === "GET")
    return [...queries, ...odd, ...parameters, pathOf(route, { tenant: "%ff%fe", site: "%" })].map(
      (each) => ({
        kind: "wrong",
        path: each,
        method,
      }),
    );
  return [
    { kind: "missing", path, method },
    { kind: "missing", path, method, body: new URLSearchParams() },
    ...bodies(path, method),
    ...parameters.map((each): Input => ({ kind: "wrong", path: each, method, body: new URLSearchParams() })),
    { kind: "oversized", path, method, body: new URLSearchParams({ name: "x".repeat(TOO_LARGE) }) },
    ...(["application/json", "multipart/form-data; boundary=x", "text/plain"] as const).map(
      (type): Input => ({
        kind: "oversized",
        path,
        method,
        headers: { "content-type": type },
        body: " ".repeat(TOO_LARGE),
      }),
    ),
  ];
}

function bodies(path: string, method: string): Input[] {
  const forms = VALUES.map(filled);
  const twice = new URLSearchParams(`${filled("x")}&${filled("x")}`);
  const file = new FormData();
  for (const name of NAMES) file.append(name, new Blob(["\0\u00ff"]), "../../x");
  const raw = [
    ["application/json", "{"],
    ["application/json", "null"],
    ["application/json", `${"[".repeat(5_000)}${"]".repeat(5_000)}`],
    ["application/json", '{"__proto__":{"name":"x"},"name":{"name":[]},"tenant":1e999,"kind":"x"}'],
    ["multipart/form-data; boundary=x", "--x\r\ncontent-disposition: form-data; name"],
    ["multipart/form-data", "--\r\n"],
    ["application/x-www-form-urlencoded", "%&=%ff&name=%"],
    ["application/xml", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'],
    ["x", "x"],
  ].map(([type = "", body = ""]): Asked => ({ headers: { "content-type": type }, body }));
  return [...[...forms, twice, file].map((body): Asked => ({ body })), ...raw].map((asked) => ({
    kind: "wrong",
    path,
    method,
    ...asked,
  }));
}

/** Headers that are for nobody to send. */
export const ODD_HEADERS: readonly Record<string, string>[] = [
  { cookie: `__Host-farsite=${"x".repeat(3_000)}` },
  { cookie: "__Host-farsite=; __Host-farsite=a; =;;;" },
  { cookie: "__Host-farsite=%00%ff" },
  { authorization: "Bearer" },
  { authorization: "Bearer farsite_0000000000000000_x" },
  { authorization: `Bearer ${"x".repeat(3_000)}` },
  { authorization: "Basic YTpi" },
  { host: "evil.example" },
  { host: "127.0.0.1" },
  { host: "a b" },
  { "last-event-id": "x".repeat(2_000) },
  { accept: "\u00ff,;;q=x" },
  { "accept-encoding": "x, *;q=0, gzip;q=9" },
  { range: "bytes=5-1" },
  { "if-none-match": '"'.repeat(100) },
  { "x-forwarded-for": "1.2.3.4, x", "x-forwarded-host": "evil.example" },
  { "x-http-method-override": "DELETE" },
  { "content-type": "\u00ff" },
  { expect: "x" },
];

export const ODD_METHODS = ["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "HEAD"] as const;
