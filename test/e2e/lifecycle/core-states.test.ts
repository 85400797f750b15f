import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HubStatus, SiteView } from "../../../hub/hub.ts";
import { FarsiteLab, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { ICINGA_PACKAGES, type IcingaSite, makeIcingaSite, startIcinga } from "../../lab/icinga.ts";
import { rows } from "../../lab/livestatus.ts";
import { obstacleTo } from "../../lab/obstacle.ts";
import type { LabProcess } from "../../lab/process.ts";
import { expectNoTrace } from "../refusal.ts";

const PATH = "acme/berlin";

const obstacle = await obstacleTo("a site's state", ICINGA_PACKAGES);

describe.skipIf(obstacle !== undefined)("a site's state", () => {
  const lab = new FarsiteLab();
  let core: IcingaSite;
  let daemon: LabProcess;
  let hub: TestHub;
  let agent: TestAgent;
  let stateFile: string;

  beforeAll(async () => {
    core = makeIcingaSite({
      name: "berlin",
      directory: join(lab.folder, "core"),
      hosts: 3,
      servicesPerHost: 2,
    });
    daemon = await startIcinga(core, { cleanup: lab.cleanup });
    hub = await lab.startHub({ limits: { hold_seconds: 0, grace_seconds: 2 } });
    stateFile = join(hub.runDir, "livestatus.state");
    agent = await lab.connect(hub, PATH, { services: { livestatus: `unix:${core.socket}` } });
  });
  afterAll(() => lab.end());

  async function reaches(expected: Partial<SiteView["livestatus"]>): Promise<SiteView["livestatus"]> {
    let seen: SiteView["livestatus"] | undefined;
    await until(`${PATH} to be ${JSON.stringify(expected)}`, async () => {
      seen = (await hub.site(PATH)).livestatus;
      try {
        expect(seen).toMatchObject(expected);
        return true;
      } catch {
        throw new Error(JSON.stringify(seen));
      }
    });
    return seen as SiteView["livestatus"];
  }

  async function worker(): Promise<number> {
    return Number((await rows({ unix: core.socket }, "GET status\nColumns: nagios_pid"))[0]?.[0]);
  }

  function fileSays(line: string): Promise<void> {
    return until(`the state file to say ${line}`, () => readFileSync(stateFile, "utf8").includes(line));
  }

  test("is online with what its core says of itself, in every command and in the state file", async () => {
    const { core: info, since } = await reaches({ state: "online" });
    expect(info).toMatchObject({ pid: await worker(), hosts: 3, services: 6 });
    const status = await hub.json<HubStatus>("status");
    expect(status.hub).toMatchObject({ sites: 1, connected: 1, online: 1 });
    expect(status.sites[0]).toMatchObject({
      state: "connected",
      livestatus: { state: "online", since, core: info },
    });
    expect(await hub.ok("status")).toMatch(
      /1 of 1 sites connected, 1 online\n[\s\S]*acme\/berlin .* connected .* online /,
    );
    expect(await hub.ok("site", "show", PATH)).toContain(`online since ${since}: {`);
    expect(await agent.ok("status")).toMatch(/^core: online for \d+ s: r\S+-icinga2, 3 hosts, 6 services$/m);
    expect((await agent.status()).core).toMatchObject({ state: "online", core: info });
    await fileSays(`[${PATH}]\n  State:                   online\n`);
    expect(statSync(stateFile).mode & 0o777).toBe(0o640);
  });

  test("tells a hung core, a stopped core, a restart, a lost tunnel and a disabled site apart", async () => {
    const first = await reaches({ state: "online" });
    const pid = await worker();
    process.kill(pid, "SIGSTOP");
    try {
      await reaches({
        state: "dead",
        cause: "hung",
        reason: "takes connections, but did not answer within 2 s",
      });
      expect(await hub.ok("status")).toMatch(/ connected .* dead .*takes connections, but did not answer/);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    expect((await reaches({ state: "online" })).core).toEqual(first.core);

    await daemon.stop();
    await reaches({ state: "dead", cause: "stopped", reason: "[Errno 111] Connection refused" });
    await fileSays("  Reason:                  [Errno 111] Connection refused\n");
    expect(await agent.ok("status")).toContain("[Errno 111] Connection refused (stopped)");
    expect(await hub.ok("site", "show", PATH)).toMatch(
      /^livestatus +dead since \S+ \(stopped\): \[Errno 111\]/m,
    );
    daemon = await startIcinga(core, { cleanup: lab.cleanup });
    const next = await reaches({ state: "online" });
    expect(next.core).toMatchObject({ pid: await worker() });
    expect(next.core?.pid).not.toBe(first.core?.pid);

    await agent.crash();
    await reaches({ state: "unreach" });
    await until("the session to be given up", async () => (await hub.site(PATH)).state === "disconnected");
    await reaches({
      state: "unreach",
      reason: expect.stringContaining("no new carrier within 2 s") as never,
    });
    await agent.start();
    await reaches({ state: "online" });

    await hub.ok("site", "disable", PATH);
    expect((await hub.site(PATH)).livestatus).toMatchObject({ state: "disabled" });
    // it would come back when it likes
    await agent.stop();
    await hub.ok("site", "enable", PATH);
    await agent.start();
    await reaches({ state: "online" });

    await agent.stop();
    await reaches({ state: "down", reason: "the agent stops" });
    expect((await hub.json<HubStatus>("status")).hub).toMatchObject({ connected: 0, online: 0 });
  });

  test("each change is one line of the log, in words of Checkmk", async () => {
    const said = [...hub.process.output.matchAll(/Site acme\/berlin: state changed: (\S+ -> [^:\n]+)/g)];
    // between these there is what an agent's coming and going brings along
    const steady = said.map((match) => match[1] ?? "").filter((change) => !change.includes("waiting"));
    expect(steady).toEqual([
      "online -> dead (hung)",
      "dead -> online",
      "online -> dead (stopped)",
      "dead -> online",
      "online -> unreach",
      "online -> disabled",
      "online -> down",
    ]);
    expectNoTrace(hub.process.output);
    expectNoTrace(agent.process.output);
  });

  test("a hub that stops takes its state file along, and one that starts waits for its agents", async () => {
    await hub.stop();
    expect(existsSync(stateFile)).toBe(false);
    await hub.start();
    await reaches({ state: "unreach", reason: "the agent has not come back" });
    await agent.start();
    await reaches({ state: "online" });
    await agent.stop();
  });
});
