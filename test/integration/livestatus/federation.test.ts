import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FarsiteLab, freePort, type TestAgent, type TestHub } from "../../lab/farsite.ts";
import {
  ICINGA_PACKAGES,
  type IcingaSite,
  livestatusOf,
  makeIcingaSite,
  settled,
  startIcinga,
} from "../../lab/icinga.ts";
import { ask, LivestatusConnection, rows, type Target } from "../../lab/livestatus.ts";
import { obstacleTo } from "../../lab/obstacle.ts";
import { waitFor } from "../../lab/process.ts";
import { type Cell, compare, evaluate, type Item } from "../../unit/livestatus/federation/core.ts";
import { Dice } from "../../unit/session/rig.ts";

const SITES = ["acme/main", "acme/branch", "beta/main", "beta/west"] as const;
const HUB_COLUMNS = ["peer_key", "peer_name", "tenant", "site"];
/** Columns that have the same value while nobody acts: numbers, texts, lists. */
const COLUMNS = {
  hosts: {
    numbers: [
      "state",
      "num_services",
      "num_services_ok",
      "last_check",
      "latency",
      "current_attempt",
      "check_interval",
    ],
    texts: ["name", "alias", "address", "plugin_output", "perf_data"],
    lists: ["groups", "services"],
  },
  services: {
    numbers: [
      "state",
      "last_check",
      "latency",
      "host_state",
      "host_num_services",
      "current_attempt",
      "last_hard_state",
    ],
    texts: ["host_name", "description", "plugin_output", "host_alias", "check_command"],
    lists: ["groups", "host_groups"],
  },
} as const;
type TableName = keyof typeof COLUMNS;
/** Numbers whose deviation a core can compute: see the test of those that are too large. */
const SMALL = ["state", "latency", "current_attempt"] as const;
/** Queries for each endpoint and table. */
const QUERIES = 60;
const SEED = 7_001;
/** Of the size of numbers that are added up in another order. */
const ROUNDING = 1e-9;

const obstacle = await obstacleTo("Livestatus over many sites", [
  ...ICINGA_PACKAGES,
  "libmonitoring-livestatus-perl",
]);

describe.skipIf(obstacle !== undefined)("Livestatus over many sites", () => {
  let lab: FarsiteLab;
  let hub: TestHub;
  let port: number;
  const cores = new Map<string, IcingaSite>();
  const agents = new Map<string, TestAgent>();

  beforeAll(async () => {
    lab = new FarsiteLab();
    port = await freePort();
    hub = await lab.startHub({ viewer: [{ listen: `127.0.0.1:${port}`, view: "*" }] });
    for (const [at, path] of SITES.entries()) {
      const name = path.replace("/", "-");
      const core = makeIcingaSite({
        name,
        directory: join(lab.folder, name),
        hosts: 12 + 9 * at,
        servicesPerHost: 6,
      });
      cores.set(path, core);
      await startIcinga(core, { cleanup: lab.cleanup });
      agents.set(path, await lab.connect(hub, path, { services: { livestatus: `unix:${core.socket}` } }));
    }
    for (const core of cores.values()) await settled(core);
  });
  afterAll(() => lab.end());

  const endpointOf = (tenant: string | undefined): Target => ({
    unix: join(hub.runDir, tenant ?? "", "livestatus.sock"),
  });

  /** All that the four cores say of a table, asked directly, with the hub's columns beside it. */
  async function snapshot(table: TableName, tenant: string | undefined): Promise<Item[]> {
    const { numbers, texts, lists } = COLUMNS[table];
    const names = [...numbers, ...texts, ...lists];
    const items: Item[] = [];
    for (const [path, core] of cores) {
      const [owner = "", site = ""] = path.split("/");
      if (tenant !== undefined && owner !== tenant) continue;
      const key = tenant === undefined ? path : site;
      const found = await rows(livestatusOf(core), `GET ${table}\nColumns: ${names.join(" ")}`);
      for (const row of found) {
        const own = names.map((name, place) => [name, row[place]] as const);
        items.push({
          ...Object.fromEntries(own),
          peer_key: key,
          peer_name: key,
          tenant: owner,
          site,
        } as Item);
      }
    }
    return items;
  }

  test.each([
    ["hosts", undefined],
    ["services", undefined],
    ["hosts", "acme"],
    ["services", "beta"],
  ] as const)("GET %s at the endpoint of %s: what the cores say, added up", async (table, tenant) => {
    const dice = new Dice(SEED + table.length + (tenant?.length ?? 0));
    const differing: unknown[] = [];
    const answers = new Set<string>();
    let before = await snapshot(table, tenant);
    for (let count = 0; count < QUERIES; ) {
      const { text, ordered } = makeQuery(table, before, dice);
      const {
        code,
        rows: expected,
        message,
      } = evaluate({ [table]: before }, text, { family: "icinga", forgetful: false });
      if (code !== 200) throw new Error(`${text}: ${message}`);
      const got = await rows(endpointOf(tenant), text);
      const after = await snapshot(table, tenant);
      // a check has run in between: asked anew
      if (JSON.stringify(after) !== JSON.stringify(before)) {
        before = after;
        continue;
      }
      count++;
      answers.add(JSON.stringify(got));
      const order = (list: unknown[][]) =>
        ordered ? list : list.toSorted((a, b) => compare(a as Cell[], b as Cell[]));
      if (!same(order(got), order(expected as unknown[][]))) {
        differing.push({
          text,
          got: JSON.stringify(got).slice(0, 500),
          expected: JSON.stringify(expected).slice(0, 500),
        });
      }
    }
    expect(differing.slice(0, 3)).toEqual([]);
    expect(answers.size).toBeGreaterThan(QUERIES / 2);
  });

  // known to differ from the truth: Icinga 2 subtracts the square of the sum from the sum of the squares, which for
  // time stamps are equal in all but their last digits; the hub cannot know more than each core says
  test("the deviation of time stamps is as inexact as the cores' own arithmetic", async () => {
    const query = "GET services\nStats: std last_check\nStats: avg last_check";
    const services = await snapshot("services", undefined);
    const exact = evaluate({ services }, query, { family: "icinga", forgetful: false });
    const [deviation, mean] = exact.rows[0] as [number, number];
    const [[got, average] = []] = (await rows(endpointOf(undefined), query)) as [number | null, number][];
    expect(average).toBe(mean);
    // each of the sums of squares may be off by half a last digit for each row
    const inexact = services.length * Number.EPSILON * mean ** 2;
    expect(Math.abs((got ?? 0) ** 2 - deviation ** 2)).toBeLessThan(inexact);
    // and that is no small matter
    expect(inexact).toBeGreaterThan(1_000);
  });

  test("columns that LMD computes are made of what each core says", async () => {
    const made = [
      "state_order",
      "last_state_change_order",
      "has_long_plugin_output",
      "host_last_state_change_order",
    ];
    const bases = ["state", "last_state_change", "long_plugin_output", "host_last_state_change"];
    const names = ["host_name", "description"];
    const expected: Item[] = [];
    for (const [path, core] of cores) {
      const [[started] = []] = await rows(livestatusOf(core), "GET status\nColumns: program_start");
      const own = await rows(livestatusOf(core), `GET services\nColumns: ${[...names, ...bases].join(" ")}`);
      for (const [host_name, description, state, changed, long, hostChanged] of own as Cell[][]) {
        expected.push({
          peer_key: path,
          host_name: host_name ?? "",
          description: description ?? "",
          state_order: state === 2 ? 4 : (state ?? null),
          last_state_change_order: (changed || started) as Cell,
          has_long_plugin_output: Number(long !== ""),
          host_last_state_change_order: (hostChanged || started) as Cell,
        });
      }
    }
    const [middle] = expected
      .map((item) => item.last_state_change_order ?? 0)
      .toSorted(compare)
      .slice(expected.length / 2);
    const columns = ["peer_key", ...names, ...made].join(" ");
    for (const more of [
      "",
      "\nFilter: state_order > 2",
      "\nFilter: has_long_plugin_output = 1",
      "\nFilter: has_long_plugin_output = 0\nFilter: state_order != 0",
      `\nFilter: last_state_change_order >= ${middle}`,
      `\nFilter: last_state_change_order < ${middle}\nNegate:`,
    ]) {
      const sort =
        "\nSort: state_order desc\nSort: last_state_change_order asc\nSort: peer_key asc\nSort: host_name asc\nSort: description asc";
      const query = `GET services\nColumns: ${columns}${more}${sort}`;
      const wanted = evaluate({ services: expected }, query, { family: "icinga", forgetful: false });
      expect([more, await rows(endpointOf(undefined), query)]).toEqual([more, wanted.rows]);
    }
    const grouped =
      "GET services\nColumns: state_order\nStats: state != 9\nStats: has_long_plugin_output = 0";
    const withState = expected.map((item) => ({ ...item, state: 0 }));
    const { rows: sums } = evaluate({ services: withState }, grouped, { family: "icinga", forgetful: false });
    expect(await rows(endpointOf(undefined), grouped)).toEqual(sums);
  });

  test("what Thruk asks of LMD's tables status and sites is there", async () => {
    const status =
      "GET status\nColumns: peer_key program_start thruk configtool peer_name peer_addr lmd_last_cache_update";
    const now = Date.now() / 1_000;
    for (const row of await rows(endpointOf(undefined), status)) {
      const [key, , thruk, configtool, name, address, updated] = row;
      expect([thruk, configtool, name]).toEqual([{}, {}, key]);
      expect(address).toMatch(/^127\./);
      expect(Math.abs(Number(updated) - now)).toBeLessThan(60);
    }
    const sites =
      `GET sites\nColumns: peer_key peer_name key name addr status bytes_send bytes_received queries last_error
last_update last_online response_time idling last_query parent section lmd_last_cache_update federation_key
federation_name federation_addr federation_type`.replaceAll(/\n(?!Columns)/g, " ");
    for (const row of await rows(endpointOf(undefined), sites)) expect(row).not.toContain(null);
  });

  test("without Columns, rows come with their header as each core has them", async () => {
    const [head, ...all] = await rows(endpointOf("acme"), "GET hostgroups");
    const direct = await Promise.all(
      SITES.slice(0, 2).map((path) => rows(livestatusOf(cores.get(path) as IcingaSite), "GET hostgroups")),
    );
    const bodies = direct.flatMap(([own, ...rest]) => {
      expect(own).toEqual(head);
      return rest;
    });
    const texts = (list: unknown[][]) => list.map((row) => JSON.stringify(row)).sort();
    expect(texts(all)).toEqual(texts(bodies));
  });

  test("a tenant's endpoint has no row of another's, whatever is asked", async () => {
    for (const more of [
      "",
      "\nBackends: main west beta/main",
      "\nFilter: tenant = beta",
      "\nFilter: name ~ ^beta",
    ]) {
      const found = await rows(endpointOf("acme"), `GET hosts\nColumns: name tenant${more}`);
      expect(found.filter(([name, tenant]) => tenant !== "acme" || String(name).startsWith("beta"))).toEqual(
        [],
      );
    }
  });

  test("by TCP, kept open: query after query, wrong ones among them", async () => {
    const connection = new LivestatusConnection({ host: "127.0.0.1", port });
    const options = "OutputFormat: wrapped_json\nResponseHeader: fixed16\nKeepAlive: on\n\n";
    const query = `GET hosts\nColumns: peer_key name\nSort: name\nLimit: 3\nOffset: 2\nColumnHeaders: on\n${options}`;
    connection.send(
      `${query}GET hosts\nColumns: no_such_column\n${options}GET hosts\nNonsense: 1\n${options}${query}`,
    );
    const [first, unknown, nonsense, last] = [
      await connection.response(),
      await connection.response(),
      await connection.response(),
      await connection.response(),
    ];
    connection.close();
    const all = (await snapshot("hosts", undefined)).toSorted((a, b) =>
      compare(a.name ?? null, b.name ?? null),
    );
    const answer = JSON.parse(first.body.toString()) as Record<string, unknown>;
    expect(answer).toMatchObject({
      data: all.slice(2, 5).map((item) => [item.peer_key, item.name]),
      columns: ["peer_key", "name"],
      failed: {},
      total_count: all.length,
    });
    expect([unknown.code, unknown.body.toString()]).toEqual([
      452,
      "Error: Column 'no_such_column' does not exist in table 'hosts'.\n",
    ]);
    expect(nonsense.code).toBe(400);
    expect(last.body).toEqual(first.body);
  });

  test("Monitoring::Livestatus (Perl) is given all sites' rows, sums and errors", async () => {
    const services = await snapshot("services", undefined);
    const now = Math.floor(Date.now() / 1_000);
    const command = `COMMAND [${now}] PROCESS_HOST_CHECK_RESULT;no-such-host;0;x\nBackends: acme/main`;
    for (const [peer, keepalive] of [
      [`127.0.0.1:${port}`, "1"],
      [join(hub.runDir, "livestatus.sock"), "0"],
    ] as const) {
      const got = JSON.parse(await perl(peer, keepalive, command)) as Record<string, unknown>;
      expect(got.services).toHaveLength(services.length);
      const load = services.filter(({ description }) => description === "CPU load");
      const ok = load.filter(({ state }) => state === 0).length;
      expect(got.counts).toEqual([{ ok, problems: load.length - ok }]);
      expect(got.error).toEqual([404, "Table 'nosuch' does not exist."]);
      expect(got.after_command).toHaveLength(1);
    }
  });

  test("a COMMAND reaches the one core that it names", async () => {
    const host = cores.get("beta/west")?.hosts[0]?.name ?? "";
    const now = Math.floor(Date.now() / 1_000);
    const comments = () => rows(endpointOf(undefined), "GET comments\nColumns: peer_key host_name comment");
    expect(await comments()).toEqual([]);
    await ask(
      endpointOf(undefined),
      `COMMAND [${now}] ADD_HOST_COMMENT;${host};1;admin;von allen\nBackends: beta/west\n\n`,
      { halfClose: true },
    );
    await waitFor("the comment", async () => (await comments()).length > 0, { withinMs: 10_000 });
    expect(await comments()).toEqual([["beta/west", host, "von allen"]]);
    const refused = await ask(
      endpointOf(undefined),
      `COMMAND [${now}] ADD_HOST_COMMENT;${host};1;a;b\nResponseHeader: fixed16\n\n`,
    );
    expect(refused.toString()).toMatch(/^400 .*\na COMMAND must name one site/s);
  });

  test("farsite-hub query prints a table, or JSON, and names what is missing", async () => {
    const words = [
      "query",
      "--tenant",
      "acme",
      "GET hosts",
      "Columns: site",
      "Stats: state = 0\\nStats: state != 0",
    ];
    const count = (path: string, test: (state: number) => boolean) =>
      cores.get(path)?.hosts.filter(({ state }) => test(state)).length ?? 0;
    const expected = ["branch", "main"].map((site) => [
      site,
      count(`acme/${site}`, (state) => state === 0),
      count(`acme/${site}`, (state) => state !== 0),
    ]);
    expect((await hub.ok(...words)).split("\n").map((line) => line.trim().split(/\s+/))).toEqual([
      ["SITE", "STATS_1", "STATS_2"],
      ...expected.map((row) => row.map(String)),
      [""],
    ]);
    expect(await hub.json<unknown>(...words)).toMatchObject({ data: expected, failed: {} });
    await agents.get("acme/branch")?.stop();
    await waitFor(
      "the site to be gone",
      async () => {
        const { stderr } = await hub.call(words);
        return stderr.includes("farsite-hub: branch is missing: the site is down");
      },
      { withinMs: 20_000 },
    );
    expect(await hub.json<unknown>(...words)).toMatchObject({ data: [expected[1]] });
    expect(await rows(endpointOf("acme"), "GET sites\nColumns: key status\nSort: key")).toEqual([
      ["branch", 2],
      ["main", 0],
    ]);
    const failure = await hub.call([
      "query",
      "--tenant",
      "acme",
      "GET hosts",
      "Backends: branch",
      "Limit: x",
    ]);
    expect([failure.code, failure.stderr]).toEqual([1, expect.stringContaining("[E_QUERY]")]);
  });

  test("a tenant's endpoint is there while the tenant has sites", async () => {
    const views = async () => {
      const all =
        await hub.json<{ tenant: string; site: string; address?: string; socket: string }[]>("endpoints");
      return all
        .filter(({ site }) => site === "*")
        .map(({ tenant, address }) => `${tenant} ${address ?? "-"}`)
        .sort();
    };
    expect(await views()).toEqual(["* -", "* 127.0.0.1", "acme -", "beta -"]);
    expect(existsSync(join(hub.runDir, "beta", "livestatus.sock"))).toBe(true);
    await hub.ok("site", "remove", "beta/west");
    expect(await rows(endpointOf("beta"), "GET sites\nColumns: key")).toEqual([["main"]]);
    await hub.ok("site", "remove", "beta/main");
    expect(await views()).toEqual(["* -", "* 127.0.0.1", "acme -"]);
    expect(existsSync(join(hub.runDir, "beta"))).toBe(false);
  });
});

/** Runs the Perl client and gives what it prints. */
async function perl(...args: string[]): Promise<string> {
  const script = fileURLToPath(new URL("client.pl", import.meta.url));
  const { stdout } = await promisify(execFile)("perl", [script, ...args], { timeout: 30_000 });
  return stdout;
}

function makeQuery(table: TableName, items: readonly Item[], dice: Dice): { text: string; ordered: boolean } {
  const { numbers, texts, lists } = COLUMNS[table];
  const lines = [`GET ${table}`];
  const condition = () => conditionOf(table, items, dice);
  const joined = (header: string, prefix: string) => {
    const count = 1 + dice.upTo(4);
    const made = Array.from({ length: count }, () => `${header}: ${condition()}`);
    if (count > 1 && dice.unit() < 0.7)
      made.push(`${prefix}${pick(dice, ["And", "Or"])}: ${2 + dice.upTo(count - 1)}`);
    return made;
  };
  if (dice.unit() < 0.7) {
    lines.push(...joined("Filter", ""));
    if (dice.unit() < 0.25) lines.push("Negate:");
  }
  const all = [...numbers, ...texts, ...lists, ...HUB_COLUMNS];
  if (dice.unit() < 0.5) {
    const by = ["state", "groups", "plugin_output", ...HUB_COLUMNS].filter(() => dice.unit() < 0.2);
    if (by.length > 0) lines.push(`Columns: ${by.join(" ")}`);
    for (let count = 1 + dice.upTo(4); count > 0; count--) {
      if (dice.unit() < 0.4) lines.push(...joined("Stats", "Stats"));
      else lines.push(`Stats: ${pick(dice, ["sum", "min", "max", "avg"])} ${pick(dice, numbers)}`);
      if (dice.unit() < 0.3) lines.push(`Stats: std ${pick(dice, SMALL)}`);
      if (dice.unit() < 0.2) lines.push(`Stats: ${pick(dice, ["suminv", "avginv"])} last_check`);
    }
    if (by.length > 0 && dice.unit() < 0.5)
      lines.push(`Sort: ${pick(dice, by)} ${pick(dice, ["asc", "desc"])}`);
    if (by.length > 0 && dice.unit() < 0.3)
      lines.push(`Limit: ${pick(dice, [0, 1, 3])}`, `Offset: ${dice.upTo(3)}`);
    return { text: lines.join("\n"), ordered: true };
  }
  const columns = all.filter(() => dice.unit() < 0.3);
  lines.push(`Columns: ${(columns.length > 0 ? columns : ["plugin_output"]).join(" ")}`);
  if (dice.unit() < 0.3) lines.push("ColumnHeaders: on");
  const ordered = dice.unit() < 0.6;
  if (ordered) {
    lines.push(`Sort: ${pick(dice, all)} ${pick(dice, ["asc", "desc"])}`);
    const unique = table === "hosts" ? ["name"] : ["host_name", "description"];
    lines.push(...unique.map((column) => `Sort: ${column} ${pick(dice, ["asc", "desc"])}`));
    if (dice.unit() < 0.6) lines.push(`Limit: ${pick(dice, [1, 7, 50])}`);
    if (dice.unit() < 0.4) lines.push(`Offset: ${pick(dice, [1, 20, 500])}`);
  }
  return { text: lines.join("\n"), ordered };
}

function conditionOf(table: TableName, items: readonly Item[], dice: Dice): string {
  const { numbers, texts, lists } = COLUMNS[table];
  const kind = dice.unit();
  if (kind < 0.4) {
    const column = pick(dice, numbers);
    return `${column} ${pick(dice, ["=", "!=", "<", ">", "<=", ">="])} ${pick(dice, items)[column]}`;
  }
  if (kind < 0.65) {
    const column = pick(dice, texts);
    const word = /[\p{L}\d]+/u.exec(String(pick(dice, items)[column]))?.[0] ?? "x";
    return `${column} ${pick(dice, ["~", "!~", "~~", "!~~", "=", "!="])} ${word}`;
  }
  if (kind < 0.8) {
    const column = pick(dice, lists);
    const [element = "none"] = pick(dice, items)[column] as string[];
    return `${column} ${pick(dice, [">=", "<"])} ${element}`;
  }
  const value = pick(dice, ["acme", "main", "west", "acme/main", "beta/west", "nowhere"]);
  return `${pick(dice, HUB_COLUMNS)} ${pick(dice, ["=", "!=", "~", "!~", "<", ">"])} ${value}`;
}

function pick<T>(dice: Dice, list: readonly T[]): T {
  return list[dice.upTo(list.length)] as T;
}

/** Equal but for the last digits of numbers. */
function same(got: unknown, expected: unknown): boolean {
  if (typeof got === "number" && typeof expected === "number") {
    return Math.abs(got - expected) <= ROUNDING * Math.max(1, Math.abs(got), Math.abs(expected));
  }
  if (Array.isArray(got) && Array.isArray(expected)) {
    return got.length === expected.length && got.every((each, at) => same(each, expected[at]));
  }
  return got === expected;
}
