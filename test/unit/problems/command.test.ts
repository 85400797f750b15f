import { expect, test } from "vitest";
import { Refusal } from "../../../common/livestatus/index.ts";
import { LONGEST_COMMENT, type ProblemCommand, problemCommand } from "../../../hub/problems/command/index.ts";
import { Core, host, ProblemsRig, seconds, service } from "./rig.ts";

const ALICE = { who: "admin alice;x\u202e", from: "192.0.2.1" };
const TARGET = { tenant: "acme", site: "main", host: "web 1", service: "CPU load" };
const HOST = { tenant: "acme", site: "main", host: "web 1" };
const ACKNOWLEDGE = problemCommand.parse({ kind: "acknowledge", comment: "known; on Friday" });

/** Two tenants whose sites, hosts and services have the same names. */
function stage() {
  const make = () => {
    const core = new Core();
    core.hosts = [host("web 1", { state: 1, num_services: 2 })];
    core.services = [service("web 1", "CPU load", { state: 2 }), service("web 1", "Disk")];
    return core;
  };
  const [core, other] = [make(), make()];
  const rig = new ProblemsRig().add("acme/main", core).add("beta/main", other);
  const give = (command: ProblemCommand, target: typeof HOST & { service?: string } = TARGET) =>
    rig.meanwhile(rig.problems.command(ALICE, target, command));
  return { rig, core, other, give };
}

/** What Icinga 2 does with downtimes. */
function downtimesOf(core: Core) {
  let id = 7;
  return (command: string) => {
    const [name = "", ...rest] = command.split(";");
    const svc = name === "SCHEDULE_SVC_DOWNTIME";
    const [from, to, , , , author = "", ...comment] = rest.slice(svc ? 2 : 1);
    const add = (description: string) =>
      void core.downtimes.push({
        ...{ id: id++, host_name: rest[0] ?? "", service_description: description },
        ...{ is_service: Number(description !== ""), start_time: Number(from), end_time: Number(to) },
        ...{ author, comment: comment.join(";") },
      });
    if (name === "SCHEDULE_HOST_SVC_DOWNTIME")
      for (const { description } of core.services) add(String(description));
    else if (name.startsWith("SCHEDULE_")) add(svc ? (rest[1] ?? "") : "");
    else if (name.startsWith("DEL_"))
      core.downtimes = core.downtimes.filter((each) => each.id !== Number(rest[0]));
  };
}

test("an acknowledgement goes to the site that is named, once, and is done when the core shows it", async () => {
  const { rig, core, other, give } = stage();
  core.obey = () => {
    core.services = [service("web 1", "CPU load", { state: 2, acknowledged: 1 })];
  };
  expect(await give(ACKNOWLEDGE)).toEqual({ outcome: "done" });
  const sent = "ACKNOWLEDGE_SVC_PROBLEM;web 1;CPU load;2;1;0;admin alice,x?;known; on Friday";
  expect([core.commands, other.questions]).toEqual([[sent], []]);
  expect(rig.audit).toEqual([
    {
      actor: ALICE,
      action: "problem.acknowledge",
      site: "acme/main",
      detail: "web 1 / CPU load; known; on Friday; sent",
    },
  ]);
});

test("a core that does not show it: sent, not confirmed, and not sent again", async () => {
  const { core, give } = stage();
  expect(await give(ACKNOWLEDGE)).toEqual({
    outcome: "sent",
    reason: "the core does not show it within 5 s",
  });
  expect(core.commands.length).toBe(1);
});

test("a command that may have been lost on the way is not sent again, and may be seen to have arrived", async () => {
  const { core, give } = stage();
  core.obey = () => {
    core.hosts = [host("web 1", { state: 1, acknowledged: 1 })];
    throw new Refusal(502, "the connection to the site was lost");
  };
  const { ask } = core;
  core.ask = (question, events) => {
    try {
      return ask.call(core, question, events);
    } catch (error) {
      events.failed(error as Refusal);
      return undefined;
    }
  };
  expect(
    await give(problemCommand.parse({ kind: "acknowledge", comment: "x", sticky: false }), HOST),
  ).toEqual({
    outcome: "done",
  });
  expect(core.commands).toEqual(["ACKNOWLEDGE_HOST_PROBLEM;web 1;1;1;0;admin alice,x?;x"]);
  const { core: second, give: again } = stage();
  second.failure = new Refusal(502, "the core does not answer");
  expect(await again(ACKNOWLEDGE)).toEqual({ outcome: "refused", reason: "the core does not answer" });
});

test("what the site's policy refuses is refused, with why, and both are in the audit", async () => {
  const { rig, core, give } = stage();
  rig.rig.verdict = (_, { method }) =>
    method === "COMMAND" ? new Refusal(403, "this site takes no commands: it is read-only here") : undefined;
  const reason = "this site takes no commands: it is read-only here";
  expect(await give(ACKNOWLEDGE)).toEqual({ outcome: "refused", reason });
  expect([core.commands, rig.audit.map(({ detail }) => detail.split("; ").at(-1))]).toEqual([
    [],
    ["sent", `refused: ${reason}`],
  ]);
});

test("nothing is sent that cannot be written into the audit", async () => {
  const { rig, core, give } = stage();
  rig.broken = true;
  await expect(give(ACKNOWLEDGE)).rejects.toThrow("the disk is full");
  expect(core.commands).toEqual([]);
});

test.each<[string, ProblemCommand, string]>([
  ["well", { kind: "unacknowledge" }, "it is not acknowledged"],
  ["well", ACKNOWLEDGE, "there is nothing to acknowledge: it is well"],
  ["acknowledged", ACKNOWLEDGE, "it is acknowledged already"],
  ["well", { kind: "remove-downtime" }, "it has no such downtime of its own"],
  ["well", { kind: "remove-downtime", id: 3 }, "it has no such downtime of its own"],
  ["gone", { kind: "recheck" }, "the core has no such service"],
])("of a service that is %s, %j is refused", async (state, command, reason) => {
  const { core, give } = stage();
  if (state === "well") core.services = [service("web 1", "CPU load")];
  else if (state === "gone") core.services = [];
  else core.services = [service("web 1", "CPU load", { state: 1, acknowledged: 1 })];
  expect(await give(command)).toEqual({ outcome: "refused", reason });
  expect(core.commands).toEqual([]);
});

test("a downtime of a host with its services, on cores that take the services alone and on those that do not", async () => {
  for (const both of [false, true]) {
    const { rig, core, give } = stage();
    const obey = downtimesOf(core);
    core.obey = (command) => {
      obey(command);
      if (both && command.includes("_SVC_")) obey(command.replace("_HOST_SVC_", "_HOST_"));
    };
    const [from, to] = [seconds(rig.clock) + 60, seconds(rig.clock) + 3_660];
    const downtime = { kind: "downtime", comment: "a; b", from, to, services: true } as const;
    expect(await give(downtime, HOST)).toEqual({ outcome: "done" });
    const rest = `web 1;${from};${to};1;0;3600;admin alice,x?;a; b`;
    expect(core.commands).toEqual([
      `SCHEDULE_HOST_SVC_DOWNTIME;${rest}`,
      ...(both ? [] : [`SCHEDULE_HOST_DOWNTIME;${rest}`]),
    ]);
    expect(core.downtimes.length).toBe(3);
    expect(rig.audit[0]?.detail).toContain("with its services");
    // the host's alone
    const id = core.downtimes.find((each) => each.is_service === 0)?.id;
    expect(await give({ kind: "remove-downtime" }, HOST)).toEqual({ outcome: "done" });
    expect(core.commands.at(-1)).toBe(`DEL_HOST_DOWNTIME;${id}`);
  }
});

test("a downtime of a service, and one of several is removed", async () => {
  const { rig, core, give } = stage();
  core.obey = downtimesOf(core);
  const now = seconds(rig.clock);
  const downtime = (to: number) =>
    ({ kind: "downtime", comment: "x", from: now, to, services: false }) as const;
  expect(await give(downtime(now + 60))).toEqual({ outcome: "done" });
  expect(await give(downtime(now + 90))).toEqual({ outcome: "done" });
  expect(await give({ kind: "remove-downtime", id: 8 })).toEqual({ outcome: "done" });
  expect(core.downtimes.map(({ id }) => id)).toEqual([7]);
  expect(core.commands.at(-1)).toBe("DEL_SVC_DOWNTIME;8");
});

test.each([
  [{ from: 60, to: 30 }, "over before it begins"],
  [{ from: -90, to: -30 }, "over before it begins"],
  [{ from: 0, to: 400 * 86_400 }, "longer than a year"],
  [{ from: 0, to: 60, services: true }, "no services of its own"],
])("a downtime of %j is refused", async (times, reason) => {
  const { rig, core, give } = stage();
  const now = seconds(rig.clock);
  const { from, to, services = false } = { services: undefined, ...times };
  const command = { kind: "downtime", comment: "x", from: now + from, to: now + to, services } as const;
  expect(await give(command)).toEqual({ outcome: "refused", reason: expect.stringContaining(reason) });
  expect(core.commands).toEqual([]);
});

test("a service of Checkmk's whose result another one brings is checked by that one", async () => {
  const { rig, core, give } = stage();
  core.services = [service("web 1", "CPU load", { check_command: "check_mk-cpu_loads" })];
  core.obey = () => {
    core.services = [service("web 1", "CPU load", { last_check: seconds(rig.clock) })];
  };
  expect(await give({ kind: "recheck" })).toEqual({ outcome: "done" });
  expect(core.commands).toEqual([`SCHEDULE_FORCED_SVC_CHECK;web 1;Check_MK;${seconds(rig.clock)}`]);
});

test.each([
  ["web;1", "CPU", "E_NAME"],
  ["web\n1", "CPU", "E_NAME"],
  ["web\u0000", undefined, "E_NAME"],
  ["", undefined, "E_NAME"],
  [" web", undefined, "E_NAME"],
  ["web", "CPU\r", "E_NAME"],
  ["web", "", "E_NAME"],
  ["web\u2028", undefined, "E_NAME"],
  ["ö".repeat(128), undefined, "E_NAME"],
])("host %j and service %j are no names", async (hostName, serviceName, code) => {
  const { core, give } = stage();
  const target = { ...HOST, host: hostName, ...(serviceName !== undefined && { service: serviceName }) };
  await expect(give({ kind: "recheck" }, target)).rejects.toMatchObject({ code });
  expect(core.questions).toEqual([]);
});

test.each([
  { kind: "acknowledge", comment: "" },
  { kind: "acknowledge", comment: "  " },
  { kind: "acknowledge", comment: "a\nCOMMAND [1] STOP" },
  { kind: "acknowledge", comment: "a\u0000" },
  { kind: "acknowledge", comment: "x".repeat(LONGEST_COMMENT + 1) },
  { kind: "downtime", comment: "x", from: 1, to: 2 },
  { kind: "downtime", comment: "x", from: 1_790_000_000.5, to: 1_790_000_001 },
  { kind: "remove-downtime", id: 0 },
  { kind: "shutdown" },
  { kind: "recheck", more: 1 },
])("%j is no command", async (command) => {
  const { core, give } = stage();
  await expect(give(command as ProblemCommand)).rejects.toMatchObject({ code: "E_USAGE" });
  expect(core.questions).toEqual([]);
});

test("a site of another tenant, and one that is not there, are the same to whoever names it", async () => {
  const { give } = stage();
  for (const path of [
    { tenant: "gamma", site: "main" },
    { tenant: "acme", site: "other" },
  ]) {
    await expect(give({ kind: "recheck" }, { ...TARGET, ...path })).rejects.toMatchObject({
      code: "E_NOT_FOUND",
      message: `there is no site ${path.tenant}/${path.site}`,
    });
  }
});

test("only so many commands are under way", async () => {
  const { rig, core, give } = stage();
  core.silent = true;
  const many = Array.from({ length: 64 }, () => rig.problems.command(ALICE, TARGET, ACKNOWLEDGE));
  await expect(give(ACKNOWLEDGE)).rejects.toMatchObject({ code: "E_LIMIT" });
  for (const each of many) expect(await rig.meanwhile(each)).toMatchObject({ outcome: "refused" });
  expect(await give(ACKNOWLEDGE)).toMatchObject({ outcome: "refused" });
});
