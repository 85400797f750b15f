import { expect, test } from "vitest";
import { Dice } from "../../session/rig.ts";
import { type Cell, compare, evaluate, type Family, type Item, type Tables } from "./core.ts";
import { coreSite, Rig, STARTED } from "./rig.ts";

/** Queries for each family of cores and each number of sites. */
const QUERIES = 300;
/** What numbers may differ by, of their size: sums are added up in another order. */
const ROUNDING = 1e-9;

const STATES = [0, 0, 0, 1, 2, 3];
const GROUPS = ["web", "db", "mail", "büro"];

/** The services of one site. */
function makeServices(dice: Dice, site: string, count: number): Item[] {
  return Array.from({ length: count }, (_, at) => ({
    host_name: `${site}-host-${at % 7}`,
    description: `service ${String(at).padStart(3, "0")}`,
    state: STATES[dice.upTo(STATES.length)] ?? 0,
    latency: Math.round(dice.unit() * 1e6) / 1e6,
    // large and close to each other: what a naive variance fails at
    last_check: 1_790_000_000 + dice.upTo(300),
    weight: 1 + dice.upTo(9),
    // what was never checked has not changed its state
    last_state_change: dice.unit() < 0.2 ? 0 : STARTED + dice.upTo(200) - 100,
    long_plugin_output: dice.unit() < 0.5 ? "" : `line ${dice.upTo(2)}`,
    groups: GROUPS.filter(() => dice.unit() < 0.3),
    output: `Prüfung "${dice.upTo(5)}"\tline\\${dice.upTo(3)}`,
  }));
}

function withPeer(items: readonly Item[], tenant: string, site: string, operators: boolean): Item[] {
  const key = operators ? `${tenant}/${site}` : site;
  return items.map((item) => ({
    ...item,
    state_order: item.state === 2 ? 4 : (item.state ?? null),
    last_state_change_order: item.last_state_change === 0 ? STARTED : (item.last_state_change ?? null),
    has_long_plugin_output: item.long_plugin_output === "" ? 0 : 1,
    peer_status: 0,
    peer_key: key,
    peer_name: key,
    tenant,
    site,
  }));
}

const pick = <T>(dice: Dice, list: readonly T[]): T => list[dice.upTo(list.length)] as T;

const NUMBERS = ["state", "latency", "last_check", "weight"];
const TEXTS = ["host_name", "description", "output"];
/** What the hub knows of a site, and what it computes of a row. */
const HUB = ["peer_key", "peer_name", "tenant", "site"];
const COMPUTED = ["state_order", "last_state_change_order", "has_long_plugin_output"];
/** All that is not the core's. */
const OURS = [...COMPUTED, "peer_status", ...HUB];

function condition(dice: Dice): string {
  const kind = dice.unit();
  if (kind < 0.4) {
    const values: Record<string, string> = {
      state: String(dice.upTo(4)),
      latency: String(dice.unit()),
      last_check: String(1_790_000_000 + dice.upTo(300)),
      weight: String(dice.upTo(11)),
      state_order: String(dice.upTo(6)),
      last_state_change_order: String(STARTED + dice.upTo(200) - 100),
      has_long_plugin_output: String(dice.upTo(2)),
      peer_status: String(dice.upTo(2)),
    };
    const column = pick(dice, [...NUMBERS, ...COMPUTED, "peer_status"]);
    return `${column} ${pick(dice, ["=", "!=", "<", ">", "<=", ">="])} ${values[column]}`;
  }
  if (kind < 0.6)
    return `${pick(dice, TEXTS)} ${pick(dice, ["~", "!~", "~~", "!~~"])} ${pick(dice, ["1", "host-2", "SERVICE", "b.*0"])}`;
  if (kind < 0.7) return `groups ${pick(dice, [">=", "<"])} ${pick(dice, ["web", "db", "nothing"])}`;
  const operator = pick(dice, ["=", "!=", "~", "!~", "~~", "=~", "<", ">="]);
  return `${pick(dice, HUB)} ${operator} ${pick(dice, ["one", "ONE", "acme", "acme/one", "beta/two", "two", "t"])}`;
}

function conditions(dice: Dice, header: string, prefix: string): string[] {
  const count = 1 + dice.upTo(4);
  const lines = Array.from({ length: count }, () => `${header}: ${condition(dice)}`);
  if (dice.unit() < 0.2) lines.push(`${prefix}Negate:`);
  if (count > 1 && dice.unit() < 0.7)
    lines.push(`${prefix}${pick(dice, ["And", "Or"])}: ${2 + dice.upTo(count - 1)}`);
  if (dice.unit() < 0.2) lines.push(`${prefix}Negate:`);
  return lines;
}

/** A query, and whether the order of its rows is known. */
function makeQuery(dice: Dice): { text: string; ordered: boolean; windowed: boolean } {
  const lines = ["GET services"];
  if (dice.unit() < 0.7) lines.push(...conditions(dice, "Filter", ""));
  const stats = dice.unit() < 0.5;
  const columns = [...NUMBERS, ...TEXTS, "groups", ...OURS].filter(() => dice.unit() < 0.3);
  const ordered = stats || dice.unit() < 0.5;
  if (stats) {
    const by = ["state", "host_name", "groups", "weight", ...OURS].filter(() => dice.unit() < 0.2);
    if (by.length > 0) lines.push(`Columns: ${by.join(" ")}`);
    for (let count = 1 + dice.upTo(4); count > 0; count--) {
      if (dice.unit() < 0.4) lines.push(...conditions(dice, "Stats", "Stats"));
      else lines.push(`Stats: ${pick(dice, ["sum", "min", "max", "avg", "std"])} ${pick(dice, NUMBERS)}`);
      if (dice.unit() < 0.2)
        lines.push(`Stats: ${pick(dice, ["suminv", "avginv"])} ${pick(dice, ["last_check", "weight"])}`);
    }
    if (by.length > 0 && dice.unit() < 0.4)
      lines.push(`Sort: ${pick(dice, by)} ${pick(dice, ["asc", "desc"])}`);
  } else {
    if (columns.length > 0) lines.push(`Columns: ${columns.join(" ")}`);
    if (ordered) {
      if (dice.unit() < 0.7)
        lines.push(`Sort: ${pick(dice, [...NUMBERS, ...TEXTS, ...OURS])} ${pick(dice, ["asc", "desc"])}`);
      // so that no two rows are equal in what they are sorted by
      lines.push("Sort: tenant asc", "Sort: site asc", "Sort: description desc");
    }
  }
  const windowed = ordered && dice.unit() < 0.5;
  if (windowed) {
    lines.push(`Limit: ${pick(dice, [0, 1, 5, 40, 1_000])}`);
    if (dice.unit() < 0.5) lines.push(`Offset: ${pick(dice, [0, 1, 7, 100])}`);
  }
  if (dice.unit() < 0.3 && !(stats && !lines.some((line) => line.startsWith("Columns"))))
    lines.push("ColumnHeaders: on");
  return { text: lines.join("\n"), ordered, windowed };
}

/** Equal but for the last digits of numbers that were added up. */
function same(got: unknown, expected: unknown): boolean {
  if (typeof got === "number" && typeof expected === "number") {
    return Math.abs(got - expected) <= ROUNDING * Math.max(1, Math.abs(got), Math.abs(expected));
  }
  if (Array.isArray(got) && Array.isArray(expected)) {
    return got.length === expected.length && got.every((each, at) => same(each, expected[at]));
  }
  return got === expected;
}

const sorted = (rows: unknown[][]) => rows.toSorted((a, b) => compare(a as Cell[], b as Cell[]));

test.each([
  ["icinga", ["acme/one"], undefined],
  ["icinga", ["acme/one", "acme/two", "beta/two", "beta/three"], undefined],
  ["icinga", ["acme/one", "acme/two"], "acme"],
  ["checkmk", ["acme/one", "acme/two", "beta/one"], undefined],
  ["checkmk", ["acme/one", "acme/empty", "acme/two"], "acme"],
] as const)(
  "%s, sites %j, endpoint of %s: many sites answer as one with all their rows",
  async (family, paths, tenant) => {
    const dice = new Dice(paths.length * 100 + family.length);
    const rig = new Rig();
    const union: Item[] = [];
    for (const path of paths) {
      const [owner = "", site = ""] = path.split("/");
      const items = makeServices(dice, `${owner}-${site}`, site === "empty" ? 0 : 20 + dice.upTo(60));
      const version =
        family === "checkmk" ? ["2.3.0p1", "Check_MK 2.3.0p1"] : ["r2.13.6-1", "r2.13.6-1-icinga2"];
      const status = [{ livestatus_version: version[0] ?? "", program_version: version[1] ?? "" }];
      const tables: Tables = { services: items, status };
      rig.add(path, coreSite(tables, family as Family, 1 + dice.upTo(5_000)));
      union.push(...withPeer(items, owner, site, tenant === undefined));
    }
    const differing: unknown[] = [];
    let answers = new Set<string>();
    for (let count = 0; count < QUERIES; count++) {
      const { text, ordered } = makeQuery(dice);
      const before = rig.asked.length;
      const got = await rig.rows(tenant, text);
      // where the hub sees that no row can match, no core is there to say what statistics of nothing are: zeros
      const said = rig.asked.length > before ? family : "icinga";
      const expected = evaluate({ services: union }, text, { family: said, forgetful: false });
      if (expected.code !== 200) throw new Error(`${text}: ${expected.message}`);
      let rows = expected.rows as unknown[][];
      // what is not named stays the cores' own
      if (!text.includes("\nColumns") && !text.includes("\nStats"))
        rows = rows.map((row) => row.slice(0, -OURS.length));
      answers = answers.add(JSON.stringify(got));
      const equal = ordered ? same(got, rows) : same(sorted(got), sorted(rows));
      if (!equal)
        differing.push({
          text,
          got: JSON.stringify(got).slice(0, 300),
          expected: JSON.stringify(rows).slice(0, 300),
        });
    }
    expect(differing.slice(0, 3)).toEqual([]);
    expect(answers.size).toBeGreaterThan(QUERIES / 3);
  },
);
