import { expect, test } from "vitest";
import { Refusal } from "../../../common/livestatus/index.ts";
import { Core, host, ProblemsRig, service, T0 } from "./rig.ts";

const names = (problems: readonly { id: string }[]) => problems.map(({ id }) => id);

function core(hosts: Core["hosts"], services: Core["services"]): Core {
  const made = new Core();
  made.hosts = hosts;
  made.services = services;
  return made;
}

function two(): ProblemsRig {
  return new ProblemsRig()
    .add(
      "acme/main",
      core(
        [host("db1", { state: 1, plugin_output: "no answer" }), host("web1")],
        [
          service("db1", "CPU", { state: 2, host_state: 1 }),
          service("web1", "CPU load", {
            state: 1,
            plugin_output: "load 9\nlong",
            last_state_change: T0 - 60,
          }),
          service("web1", "Disk", { state: 2, state_type: 0, acknowledged: 1 }),
          service("web1", "Memory", { state: 3, scheduled_downtime_depth: 1 }),
          service("web1", "Uptime"),
          service("web1", "New", { state: 2, has_been_checked: 0 }),
        ],
      ),
    )
    .add("beta/main", core([], [service("x y", "Größe / %", { state: 2, is_flapping: 1 })]));
}

test("the problems of all sites are told, the worst first, handled or not", async () => {
  const rig = two();
  const page = await rig.meanwhile(rig.problems.list({}, "all"));
  expect(names(page.problems)).toEqual([
    "acme/main/db1",
    "acme/main/db1/CPU",
    "acme/main/web1/Disk",
    "beta/main/x%20y/Gr%C3%B6%C3%9Fe%20%2F%20%25",
    "acme/main/web1/Memory",
    "acme/main/web1/CPU%20load",
  ]);
  expect(page.problems.map(({ handled }) => handled)).toEqual([false, true, true, false, true, false]);
  expect(page.problems[0]).toMatchObject({ state: "down", output: "no answer", ofHost: { state: "down" } });
  expect(page.problems[2]).toMatchObject({ hard: false, acknowledged: true, since: T0 * 1_000 });
  expect(page.problems[3]).toMatchObject({ host: "x y", service: "Größe / %", flapping: true });
  expect(page.problems[5]?.output).toBe("load 9");
  expect(page).toMatchObject({
    total: 6,
    missing: [],
    counts: { down: 1, crit: 3, unreach: 0, unknown: 1, warn: 1 },
    unhandled: { down: 1, crit: 1, unreach: 0, unknown: 0, warn: 1 },
  });
});

test.each([
  [{ tenant: "beta" }, 1],
  [{ tenant: "acme", site: "main" }, 5],
  [{ site: "other" }, 0],
  [{ handled: false }, 3],
  [{ handled: true }, 3],
  [{ kind: "host" }, 1],
  [{ hard: false }, 1],
  [{ states: ["crit", "warn"] }, 4],
  [{ text: "LOAD" }, 1],
  [{ text: "beta/" }, 1],
] as const)("%j leaves %d", async (filter, count) => {
  const rig = two();
  const page = await rig.meanwhile(rig.problems.list(filter, "all"));
  expect([page.total, page.problems.length]).toEqual([count, count]);
  // what is chosen of the states does not change what there would be to choose from
  if ("states" in filter) expect(page.counts).toMatchObject({ unknown: 1 });
});

test("a page of it, sorted", async () => {
  const rig = two();
  const list = async (filter: Parameters<typeof rig.problems.list>[0]) =>
    names((await rig.meanwhile(rig.problems.list(filter, "all"))).problems);
  const all = await list({ sort: "since" });
  expect(all[0]).toBe("acme/main/web1/CPU%20load");
  expect(await list({ sort: "since", offset: 1, limit: 2 })).toEqual(all.slice(1, 3));
  expect((await list({ sort: "site", descending: true }))[0]).toMatch(/^beta/);
  expect((await list({ sort: "service" }))[0]).toBe("acme/main/db1");
  expect((await list({ sort: "host", descending: true }))[0]).toMatch(/^beta/);
  expect((await list({ descending: false }))[0]).toBe("acme/main/web1/CPU%20load");
});

test("nobody sees anything of another tenant: rows, counts, missing sites", async () => {
  const rig = two();
  rig.unreachable.set(1, "the site is down: the agent stops");
  const page = await rig.meanwhile(rig.problems.list({}, ["beta"]));
  expect(names(page.problems)).toEqual(["beta/main/x%20y/Gr%C3%B6%C3%9Fe%20%2F%20%25"]);
  expect([page.missing, page.unhandled.down, page.counts.crit]).toEqual([[], 0, 1]);
  expect((await rig.meanwhile(rig.problems.list({ tenant: "acme" }, ["beta"]))).total).toBe(0);
  expect((await rig.meanwhile(rig.problems.list({}, []))).total).toBe(0);
});

test("sites that do not answer are named, with why; the others do not wait for them for long", async () => {
  const rig = two();
  const silent = new Core();
  silent.silent = true;
  const broken = new Core();
  broken.failure = new Refusal(502, "the core broke\u001b[31m off");
  rig.add("acme/silent", silent).add("acme/broken", broken).add("acme/gone", new Core());
  rig.unreachable.set(5, "the site is unreach: nothing heard for 10 s");
  const page = await rig.meanwhile(rig.problems.list({}, "all"), 3_500);
  expect(page.total).toBe(6);
  expect(page.missing.map(({ site, reason }) => [site, reason])).toEqual([
    ["broken", "the core broke?[31m off"],
    ["gone", "the site is unreach: nothing heard for 10 s"],
    ["silent", "the site has not answered yet"],
  ]);
});

test("sites that are disabled or have no Livestatus are not expected to say anything", async () => {
  const rig = two()
    .add("acme/off", new Core(), { enabled: false })
    .add("acme/web", new Core(), { services: ["http"] });
  expect((await rig.meanwhile(rig.problems.list({}, "all"))).missing).toEqual([]);
});

test("what is held is bounded, for a site and for all; what is left out is counted", async () => {
  const many = (count: number) =>
    core(
      [],
      Array.from({ length: count }, (_, at) => service("h", `s${at}`, { state: 1 })),
    );
  const rig = new ProblemsRig({ perSite: 10, problems: 15 }).add("acme/a", many(12)).add("acme/b", many(8));
  const page = await rig.meanwhile(rig.problems.list({}, "all"));
  expect(page.total).toBe(15);
  expect(page.cut).toEqual([
    { tenant: "acme", site: "a", more: 2 },
    { tenant: "acme", site: "b", more: 3 },
  ]);
});

test("hostile rows are bounded, made printable, or refused", async () => {
  const long = "x".repeat(10_000);
  const rig = new ProblemsRig()
    .add(
      "acme/main",
      core(
        [],
        [
          service(`evil\u202e${long}`, "a;b", { state: 99, plugin_output: long, last_state_change: 1e300 }),
          service("h", "\ud800", { state: 2, acknowledged: [1] }),
        ],
      ),
    )
    .add("acme/liar", {
      ask: (_: unknown, events: Parameters<Core["ask"]>[1]) => {
        events.data(Buffer.from("200          15\n[[1,2,3],[[4]]]"));
        events.whole();
        return undefined;
      },
    } as unknown as Core);
  const page = await rig.meanwhile(rig.problems.list({}, "all"));
  expect(page.problems.map(({ commandable }) => commandable)).toEqual([false, false]);
  const evil = page.problems.find(({ state }) => state === "unknown");
  expect(evil).toMatchObject({ state: "unknown", since: 0, service: "a;b" });
  expect([evil?.output.length, evil?.host.length]).toEqual([300, 255]);
  expect(evil?.host).toMatch(/^evil\?x+$/);
  expect(page.missing.map(({ site }) => site)).toEqual(["liar"]);
});
