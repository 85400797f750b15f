import { expect, test } from "vitest";
import { Refusal, RequestReader } from "../../../../common/livestatus/index.ts";
import type { Peer } from "../../../../hub/livestatus/federation/peer.ts";
import { Plan } from "../../../../hub/livestatus/federation/plan.ts";
import { parseQuery, type Query } from "../../../../hub/livestatus/federation/query.ts";

const ONE: Peer = {
  id: 1,
  tenant: "acme",
  site: "one",
  key: "acme/one",
  state: () => ({
    state: "online",
    up: true,
    pending: false,
    reason: undefined,
    since: 0,
    lastOnline: 7_000,
    started: 500,
    address: "127.64.0.1",
    rtt: undefined,
    queries: 0,
  }),
};

function parse(text: string): Query | Refusal {
  const reader = new RequestReader({ longest: 1 << 20 });
  reader.push(Buffer.from(`${text}\n\n`));
  const request = reader.next();
  if (!request || request instanceof Refusal) throw new Error(`no request: ${text}`);
  return parseQuery(request);
}

/** What a site is asked, without the two last lines, which are always the same. */
function asked(text: string, peer = ONE): string[] | undefined {
  const query = parse(text);
  if (query instanceof Refusal) throw query;
  const lines = new Plan(query).for(peer)?.request.toString("latin1").split("\n");
  if (lines) expect(lines.splice(-4)).toEqual(["OutputFormat: json", "ResponseHeader: fixed16", "", ""]);
  return lines;
}

test.each([
  ["Filter: name", "expected COLUMN OPERATOR VALUE"],
  ["Filter:", "expected COLUMN OPERATOR VALUE"],
  ["And: 1", "there are fewer filters before it"],
  ["Filter: a = 1\nOr: 2", "there are fewer filters before it"],
  ["And: -1", "expected a non-negative integer"],
  ["Negate:", "there is nothing before it to negate"],
  ["Stats: sum", "expected sum COLUMN"],
  ["Stats: sum a b", "expected sum COLUMN"],
  ["Stats: sum a\nStatsNegate:", "only counts can be combined"],
  ["Stats: sum a\nStats: a = 1\nStatsAnd: 2", "only counts can be combined"],
  ["StatsOr: 1", "there are fewer conditions before it"],
  ["Limit: x", "expected a non-negative integer"],
  ["Limit: 99999999999", "expected a non-negative integer"],
  ["Limit: 9999999999", "expected at most 2147483647"],
  ["Offset: -3", "expected a non-negative integer"],
  ["Sort:", "expected COLUMN asc or COLUMN desc"],
  ["Sort: name up", "expected COLUMN asc or COLUMN desc"],
  [
    "OutputFormat: xml",
    "missing/invalid output format, use one of csv, CSV, json, python, python3, wrapped_json",
  ],
  ["Separators: 10 59 44", "expected four numbers"],
  ["Separators: 10 59 44 200", "expected at most 127"],
  ["ColumnHeaders: yes", "expected 'on' or 'off'"],
  ["Timelimit: 0", "expected a number of seconds"],
  ["Nonsense: 1", "undefined request header"],
  ["X-\u0007: 1", "undefined request header"],
])("%j is refused with its header's name and a reason", (line, reason) => {
  const refusal = parse(`GET hosts\n${line}`) as Refusal;
  expect(refusal).toBeInstanceOf(Refusal);
  expect(refusal.code).toBe(400);
  expect(refusal.message).toMatch(/^while processing header '[ -~]+': /);
  expect(refusal.message).toContain(reason);
});

test("filters that are nested without end are refused, not a stack overflow", () => {
  const nested = `GET hosts\nFilter: a = 1\n${"Negate:\n".repeat(20_000)}`.trimEnd();
  expect((parse(nested) as Refusal).message).toContain("nested too deeply");
});

test("a site is asked for what the client asked, in JSON", () => {
  expect(
    asked(
      "GET services\nColumns: host_name description\nFilter: state > 0\nFilter: a ~ b c\nOr: 2\nNegate:\nAuthUser: müller\nLocaltime: 5\nLimit: 7\nOutputFormat: python3\nKeepAlive: on\nCache: reload",
    ),
  ).toEqual([
    "GET services",
    "Columns: host_name description",
    "Filter: state > 0",
    "Filter: a ~ b c",
    "Or: 2",
    "Negate:",
    "Limit: 7",
    `AuthUser: ${Buffer.from("müller").toString("latin1")}`,
    "Localtime: 5",
  ]);
});

test("Offset and Limit go to the sites as one Limit, where rows are as good as others", () => {
  expect(asked("GET hosts\nColumns: name\nLimit: 10\nOffset: 30")).toContain("Limit: 40");
  for (const line of ["Sort: name", "Stats: state = 0", "OutputFormat: wrapped_json"]) {
    expect(asked(`GET hosts\nColumns: name\nLimit: 10\n${line}`)?.join()).not.toContain("Limit");
  }
});

test("columns of the hub are not asked for, those to sort by are", () => {
  expect(
    asked("GET hosts\nColumns: peer_key name site state\nSort: alias\nSort: peer_name desc\nSort: name"),
  ).toEqual(["GET hosts", "Columns: name state alias"]);
  // a row must be seen to be counted
  expect(asked("GET services\nColumns: peer_key")).toEqual(["GET services", "Columns: description"]);
});

test.each([
  ["peer_key = acme/one", []],
  ["site != one", undefined],
  ["tenant ~~ ACM", []],
  ["site =~ ONE", []],
  ["site > z", undefined],
])("Filter: %s is settled at the hub", (filter, rest) => {
  const lines = asked(`GET hosts\nColumns: name\nFilter: ${filter}`);
  expect(lines).toEqual(rest && ["GET hosts", "Columns: name", ...rest]);
});

test("a filter that is settled in part goes on as what is left of it", () => {
  const query = (joint: string) =>
    `GET hosts\nColumns: name\nFilter: state = 1\nFilter: site = two\n${joint}: 2`;
  expect(asked(query("Or"))).toEqual(["GET hosts", "Columns: name", "Filter: state = 1"]);
  expect(asked(query("And"))).toBeUndefined();
  expect(asked(`${query("And")}\nNegate:`)).toEqual(["GET hosts", "Columns: name"]);
  expect(asked(query("Or"), { ...ONE, site: "two" })).toEqual(["GET hosts", "Columns: name"]);
});

test("statistics are taken apart, and nothing is asked twice", () => {
  expect(
    asked(
      "GET hosts\nStats: avg latency\nStats: sum latency\nStats: std latency\nStats: state = 0\nStats: avginv x",
    ),
  ).toEqual([
    "GET hosts",
    "Stats: avg latency",
    "Stats: sum latency",
    "Stats: std latency",
    "Stats: state = 0",
    "Stats: avginv x",
    "Stats: suminv x",
    ...["Stats: latency = 0", "Stats: latency != 0", "StatsOr: 2"],
  ]);
});

test("counts alone are asked as they are", () => {
  expect(asked("GET hosts\nColumns: state\nStats: a = 1\nStats: b = 2\nStatsAnd: 2\nStatsNegate:")).toEqual([
    "GET hosts",
    "Columns: state",
    ...["Stats: a = 1", "Stats: b = 2", "StatsAnd: 2", "StatsNegate:"],
  ]);
});

test("a count that depends on the site alone is the count of all rows, or none", () => {
  const text = "GET hosts\nStats: site = one\nStats: state = 0";
  expect(asked(text)).toEqual([
    "GET hosts",
    ...["Stats: state = 0", "Stats: state = 0", "StatsNegate:", "StatsOr: 2", "Stats: state = 0"],
  ]);
  expect(asked(text, { ...ONE, site: "two" })).toEqual(["GET hosts", "Stats: state = 0"]);
});

test("a column that the hub computes is asked for by what it is made of, once", () => {
  const query =
    "GET services\nColumns: state_order description state host_last_state_change_order\nSort: state asc";
  expect(asked(query)).toEqual(["GET services", "Columns: state description host_last_state_change"]);
  expect(asked("GET services\nColumns: has_long_plugin_output\nStats: state = 0")?.slice(0, 2)).toEqual([
    "GET services",
    "Columns: long_plugin_output",
  ]);
});

test.each([
  ["state_order = 4", ["Filter: state = 2"]],
  ["state_order >= 3", ["Filter: state = 2", "Filter: state = 3", "Or: 2"]],
  ["service_state_order < 1", ["Filter: service_state = 0"]],
  ["has_long_plugin_output = 1", ["Filter: long_plugin_output !="]],
  ["has_long_plugin_output != 1", ["Filter: long_plugin_output ="]],
  // the core was started at 500
  [
    "last_state_change_order >= 400",
    ["Filter: last_state_change = 0", "Filter: last_state_change >= 400", "Or: 2"],
  ],
  // joined by And in any case
  ["last_state_change_order > 500", ["Filter: last_state_change != 0", "Filter: last_state_change > 500"]],
  ["peer_status = 0", []],
])("a condition on it is one on what it is made of: %s", (filter, expected) => {
  expect(asked(`GET services\nColumns: state\nFilter: ${filter}`)?.slice(2)).toEqual(expected);
});

test("a site is not asked for what no row of it can meet", () => {
  for (const filter of ["state_order = 2", "has_long_plugin_output > 1", "peer_status != 0", "peer_addr = x"])
    expect([filter, asked(`GET services\nColumns: state\nFilter: ${filter}`)]).toEqual([filter, undefined]);
});

test.each([
  ["Filter: state_order = critical", "the column holds numbers"],
  ["Filter: last_state_change_order ~ 1", "invalid operator"],
])("a condition that means nothing is refused: %s", (line, message) => {
  expect(() => asked(`GET services\nColumns: state\n${line}`)).toThrow(
    expect.objectContaining({ code: 400, message: expect.stringContaining(message) }),
  );
});

test("what the hub computes cannot be summed up by a core", () => {
  expect(parse("GET services\nStats: avg last_state_change_order")).toMatchObject({
    code: 400,
    message:
      "while processing header 'Stats': the hub computes this column: only last_state_change can be summed up",
  });
});
