import { expect, test } from "vitest";
import type { ProblemCommand, ProblemFilter, Target } from "../../../../hub/problems/index.ts";
import { NOW } from "./made.ts";
import { pagesRig } from "./rig.ts";

const counts = { down: 0, crit: 1, unreach: 0, unknown: 0, warn: 0 };
const problem = {
  id: "p1",
  tenant: "acme",
  site: "main",
  host: "db1",
  service: "CPU; load",
  state: "crit",
  hard: true,
  output: "CRIT - 99 %",
  since: NOW - 60_000,
  ofHost: { state: "up" },
  commandable: true,
};
const page = {
  problems: [problem],
  total: 1,
  offset: 0,
  counts,
  unhandled: counts,
  missing: [],
  cut: [],
  asOf: NOW,
};

function world(rights?: Parameters<typeof pagesRig>[1]) {
  const filters: ProblemFilter[] = [];
  const commands: [Target, ProblemCommand][] = [];
  const rig = pagesRig(
    {
      problems: async (filter: ProblemFilter) => {
        filters.push(filter);
        return page;
      },
      command: async (target: Target, command: ProblemCommand) => {
        commands.push([target, command]);
        return target.host === "db1" ? { outcome: "done" } : { outcome: "sent", reason: "not shown yet" };
      },
    },
    rights,
  );
  return { rig, filters, commands };
}

const MARK = JSON.stringify(["acme", "main", "db1", "CPU; load"]);

test("the address says what is asked for", async () => {
  const { rig, filters } = world();
  await rig.get("/problems");
  await rig.get(
    "/problems?q=+cpu+&tenant=acme&state=warn&handled=all&kind=host&sort=since&dir=down&from=200",
  );
  expect(filters).toEqual([
    { handled: false, sort: "severity", descending: true, offset: 0, limit: 100 },
    {
      text: "cpu",
      tenant: "acme",
      states: ["warn"],
      kind: "host",
      sort: "since",
      descending: false,
      offset: 200,
      limit: 100,
    },
  ]);
});

test.each(["state=ok", "sort=output", "handled=maybe", "from=-1", "from=x", `q=${"x".repeat(201)}`])(
  "what cannot be asked is refused: %s",
  async (query) => {
    expect((await world().rig.get(`/problems?${query}`)).status).toBe(400);
  },
);

test("what is marked gets the command, and what came of it is told", async () => {
  const { rig, commands } = world();
  const form = {
    do: "acknowledge",
    problem: [MARK, JSON.stringify(["acme", "main", "web1"])],
    comment: " on it ",
    sticky: "yes",
  };
  const answer = await rig.post("/problems", form);
  const command = { kind: "acknowledge", comment: "on it", sticky: true, notify: false, persistent: false };
  expect(commands).toEqual([
    [{ tenant: "acme", site: "main", host: "db1", service: "CPU; load" }, command],
    [{ tenant: "acme", site: "main", host: "web1", service: undefined }, command],
  ]);
  const text = await answer.text();
  expect(text).toContain("1 of 2 done.");
  expect(text).toContain("acme/main web1: sent, and no effect seen yet: not shown yet");
});

test.each<[Record<string, string>, ProblemCommand]>([
  [
    { do: "downtime", comment: "disk", minutes: "30", services: "yes" },
    { kind: "downtime", comment: "disk", from: NOW / 1000, to: NOW / 1000 + 1_800, services: true },
  ],
  [{ do: "recheck" }, { kind: "recheck" }],
  [{ do: "unacknowledge" }, { kind: "unacknowledge" }],
  [{ do: "remove-downtime" }, { kind: "remove-downtime" }],
])("%j is the command %j", async (form, command) => {
  const { rig, commands } = world();
  expect((await rig.post("/problems", { ...form, problem: MARK })).status).toBe(200);
  expect(commands.map(([, given]) => given)).toEqual([command]);
});

test.each<[string, Record<string, string | string[]>]>([
  ["nothing is marked", { do: "recheck" }],
  ["there is no comment", { do: "acknowledge", problem: MARK, comment: "  " }],
  ["it is no command", { do: "shutdown", problem: MARK }],
  ["a mark is no JSON", { do: "recheck", problem: "x" }],
  ["a mark is something else", { do: "recheck", problem: '["acme"]' }],
  ["too much is marked", { do: "recheck", problem: Array(101).fill(MARK) }],
  ["the comment is too long", { do: "acknowledge", problem: MARK, comment: "x".repeat(1_001) }],
  ["the downtime has no end", { do: "downtime", problem: MARK, comment: "x", minutes: "Infinity" }],
])("nothing is done when %s", async (_, form) => {
  const { rig, commands } = world();
  expect((await rig.post("/problems", form)).status).toBe(400);
  expect(commands).toEqual([]);
});

test("who may only look is offered nothing to do", async () => {
  const text = await (await world(["see"]).rig.get("/problems")).text();
  expect(text).toContain("CRIT - 99 %");
  expect(text).not.toContain('name="do"');
  expect(text).not.toContain('type="checkbox"');
});

test.each([
  ["sort=severity&dir=down", false],
  ["sort=since", true],
  ["sort=host", false],
  ["sort=host&dir=down", true],
])("the worst and the newest come first, and names from A: %s", async (query, descending) => {
  const { rig, filters } = world();
  await rig.get(`/problems?${query}`);
  expect(filters).toMatchObject([{ descending }]);
});

test("what never had another state is told without a time", async () => {
  const rig = pagesRig({ problems: async () => ({ ...page, problems: [{ ...problem, since: 0 }] }) });
  expect(await (await rig.get("/problems")).text()).not.toContain("1970");
});
