import { expect, test } from "vitest";
import { Refusal } from "../../../common/livestatus/index.ts";
import type { ProblemChanges, Tenants } from "../../../hub/problems/index.ts";
import { Core, ProblemsRig, service, T0 } from "./rig.ts";

/** One who watches, with all that was told. */
function watcher(rig: ProblemsRig, tenants: Tenants = "all") {
  const told: ProblemChanges[] = [];
  const end = rig.problems.watch(tenants, (changes) => void told.push(changes));
  const ids = (kind: "appeared" | "changed") => told.flatMap((each) => each[kind].map(({ id }) => id));
  return {
    told,
    end,
    appeared: () => ids("appeared"),
    changed: () => ids("changed"),
    gone: () => told.flatMap(({ gone }) => gone),
    forget: () => void told.splice(0),
  };
}

/** A site with two problems that has been heard. */
async function watched() {
  const core = new Core();
  core.services = [service("h", "a", { state: 2 }), service("h", "b", { state: 1 }), service("h", "c")];
  const rig = new ProblemsRig().add("acme/main", core);
  const watching = watcher(rig);
  await rig.pass(1_000);
  watching.forget();
  return { core, rig, ...watching };
}

test("what appears, changes and goes is told within an interval, once", async () => {
  const { core, rig, told, appeared, changed, gone } = await watched();
  await rig.pass(5_000);
  expect(told).toEqual([]);
  core.services[2] = service("h", "c", { state: 3, last_state_change: T0 + 10 });
  core.services[0] = service("h", "a", { state: 2, acknowledged: 1 });
  core.services.splice(1, 1);
  await rig.pass(2_500);
  expect([appeared(), changed(), gone()]).toEqual([["acme/main/h/c"], ["acme/main/h/a"], ["acme/main/h/b"]]);
  expect(told.at(-1)?.unhandled).toMatchObject({ crit: 0, unknown: 1, warn: 0 });
});

test("as long as nothing is different, a site is asked in short only", async () => {
  const { core, rig } = await watched();
  const before = core.whole("services");
  await rig.pass(20_000);
  expect(core.whole("services")).toBe(before);
  const digests = core.questions.filter((text) => text.startsWith("GET services\nFilter"));
  expect(digests.length).toBeGreaterThan(9);
});

test("outputs are taken again now and then; the time of the last check alone is nothing to be told", async () => {
  const { core, rig, told, changed } = await watched();
  core.services[0] = service("h", "a", { state: 2, last_check: T0 + 5 });
  await rig.pass(35_000);
  expect(told).toEqual([]);
  core.services[0] = service("h", "a", { state: 2, plugin_output: "worse" });
  await rig.pass(35_000);
  expect(changed()).toEqual(["acme/main/h/a"]);
});

test("one that appears as another goes is seen by its time", async () => {
  const { core, rig, appeared, gone } = await watched();
  core.services[0] = service("h", "a");
  core.services[2] = service("h", "c", { state: 2, last_state_change: T0 + 1 });
  await rig.pass(2_500);
  expect([appeared(), gone()]).toEqual([["acme/main/h/c"], ["acme/main/h/a"]]);
});

test("each watcher is told of its tenants only", async () => {
  const [mine, other] = [new Core(), new Core()];
  const rig = new ProblemsRig().add("acme/main", mine).add("beta/main", other);
  const [all, acme, nobody] = [watcher(rig), watcher(rig, ["acme"]), watcher(rig, [])];
  await rig.pass(1_000);
  other.services = [service("h", "a", { state: 2 })];
  rig.unreachable.set(2, "gone");
  await rig.pass(2_500);
  rig.unreachable.clear();
  await rig.pass(2_500);
  expect(all.appeared()).toEqual(["beta/main/h/a"]);
  expect(all.told.flatMap(({ missing }) => missing)).toMatchObject([{ site: "main", reason: "gone" }]);
  expect(all.told.flatMap(({ answering }) => answering)).toEqual(["beta/main"]);
  expect([acme.told, nobody.told]).toEqual([[], []]);
});

test("a site that cannot be reached shows nothing; one that stumbles is shown as it was for a while", async () => {
  const { core, rig, gone, told, forget } = await watched();
  core.failure = new Refusal(502, "the core broke off its answer");
  await rig.pass(3_000);
  expect(told.flatMap(({ missing }) => missing)).toMatchObject([{ shown: true }]);
  expect(gone()).toEqual([]);
  await rig.pass(60_000);
  expect(gone().toSorted()).toEqual(["acme/main/h/a", "acme/main/h/b"]);
  expect(told.flatMap(({ missing }) => missing).at(-1)).toMatchObject({ shown: false });
  core.failure = undefined;
  await rig.pass(35_000);
  expect(told.flatMap(({ answering }) => answering)).toEqual(["acme/main"]);
  forget();
  rig.unreachable.set(1, "the site is down: the agent stops");
  await rig.pass(2_500);
  expect(gone().length).toBe(2);
});

test("a site that does not let itself be asked is asked once a minute: each time is in the audit", async () => {
  const { core, rig } = await watched();
  core.failure = new Refusal(403, "the table services is not open to queries here");
  await rig.pass(2_500);
  const before = core.questions.length;
  await rig.pass(55_000);
  expect(core.questions.length).toBe(before);
  await rig.pass(10_000);
  expect(core.questions.length).toBeGreaterThan(before);
});

test("nobody is asked when nobody watches", async () => {
  const core = new Core();
  const rig = new ProblemsRig().add("acme/main", core);
  await rig.pass(10_000);
  expect(core.questions).toEqual([]);
  const { end } = watcher(rig);
  await rig.pass(5_000);
  end();
  await rig.pass(31_000);
  const before = core.questions.length;
  await rig.pass(60_000);
  expect([before > 0, core.questions.length]).toEqual([true, before]);
  expect(rig.clock.pending).toBe(0);
});

test("one poll serves all who watch", async () => {
  const count = async (watchers: number) => {
    const core = new Core();
    const rig = new ProblemsRig().add("acme/main", core);
    for (let each = 0; each < watchers; each++) watcher(rig);
    await rig.pass(10_000);
    return core.questions.length;
  };
  expect(await count(3)).toBe(await count(1));
});

test("there are only so many watchers", () => {
  const rig = new ProblemsRig();
  const [first] = [watcher(rig), watcher(rig), watcher(rig)];
  expect(() => watcher(rig)).toThrow(expect.objectContaining({ code: "E_LIMIT" }));
  first?.end();
  watcher(rig);
});

test("of very many changes only that is told", async () => {
  const { core, rig, told } = await watched();
  const crowd = new ProblemsRig({ perSite: 2_000, problems: 2_000 });
  const big = new Core();
  crowd.add("acme/main", big);
  const watching = watcher(crowd);
  await crowd.pass(1_000);
  big.services = Array.from({ length: 1_500 }, (_, at) => service("h", `s${at}`, { state: 2 }));
  await crowd.pass(3_000);
  expect(watching.told).toMatchObject([{ reload: true, appeared: [], unhandled: { crit: 1_500 } }]);
  expect([core.services.length, told.length]).toEqual([3, 0]);
  await rig.pass(0);
});

test("a site that is added, disabled or removed while somebody watches", async () => {
  const { rig, gone, appeared } = await watched();
  const core = new Core();
  core.services = [service("h", "new", { state: 2 })];
  rig.add("acme/other", core);
  await rig.pass(1_000);
  expect(appeared()).toEqual(["acme/other/h/new"]);
  const [main, other] = [rig.sites.get("acme/main"), rig.sites.get("acme/other")];
  if (!main || !other) throw new Error("no such sites");
  rig.problems.offer({ ...main, enabled: false });
  rig.problems.forget(other);
  await rig.pass(1_000);
  expect(gone().toSorted()).toEqual(["acme/main/h/a", "acme/main/h/b", "acme/other/h/new"]);
});
