/** Problems of a real core, through a real hub and real agents: seen, and acted upon. */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../common/clock.ts";
import { Refusal } from "../../../common/livestatus/index.ts";
import { silentLog } from "../../../common/log.ts";
import { systemRandom } from "../../../common/random.ts";
import type { Connect, SiteSeries, SiteSpark } from "../../../hub/history/index.ts";
import {
  type CommandResult,
  LiveProblems,
  type Problem,
  type ProblemChanges,
  type ProblemPage,
} from "../../../hub/problems/index.ts";
import type { AuditRecord, Site } from "../../../hub/registry/index.ts";
import { FarsiteLab, type TestHub, until } from "../../lab/farsite.ts";
import {
  ICINGA_PACKAGES,
  type IcingaSite,
  livestatusOf,
  makeIcingaSite,
  settled,
  startIcinga,
} from "../../lab/icinga.ts";
import { ask, rows } from "../../lab/livestatus.ts";
import { obstacleTo } from "../../lab/obstacle.ts";

/** The same core behind three agents: one that allows all, one that allows no commands, one for which the hub does not. */
const OPEN = "acme/main";
const GUARDED = "acme/guarded";
const READ_ONLY = "globex/main";

const obstacle = await obstacleTo("problems of real cores", ICINGA_PACKAGES);

describe.skipIf(obstacle !== undefined)("problems of a real core", () => {
  let lab: FarsiteLab;
  let hub: TestHub;
  let core: IcingaSite;

  beforeAll(async () => {
    lab = new FarsiteLab();
    core = makeIcingaSite({
      name: "acme",
      directory: join(lab.folder, "core"),
      hosts: 24,
      servicesPerHost: 6,
    });
    await startIcinga(core, { cleanup: lab.cleanup });
    hub = await lab.startHub({ policy: { globex: { commands: "none" } } });
    const services = { livestatus: `unix:${core.socket}` };
    await lab.connect(hub, OPEN, { services });
    await lab.connect(hub, GUARDED, { services, livestatus: { commands: "none" } });
    await lab.connect(hub, READ_ONLY, { services });
    await settled(core);
    for (const path of [OPEN, GUARDED, READ_ONLY]) {
      await until(`${path} to be online`, async () => (await hub.site(path)).livestatus.state === "online");
    }
  });
  afterAll(() => lab.end());

  const list = (...words: string[]) => hub.json<ProblemPage>("problem", "list", ...words);
  const ofCore = (query: string) => rows(livestatusOf(core), query);
  const give = async (verb: string, path: string, ...words: string[]) => {
    const { code, stdout, stderr } = await hub.call(["problem", verb, path, ...words, "--json"]);
    return { code, stderr, result: JSON.parse(stdout || "null") as CommandResult | null };
  };
  /** A service that is critical, and of a host that is up. */
  const critical = async (place: number) => {
    const page = await list("--site", "main", "--tenant", "acme", "--state", "crit", "--sort", "host");
    const services = page.problems.filter((problem) => problem.service !== undefined);
    return services[place] as Problem & { service: string };
  };

  test("what is not well is what the core says, and who handles it", async () => {
    const page = await list("--tenant", "acme", "--site", "main", "--all");
    const hosts = await ofCore("GET hosts\nColumns: name\nFilter: state != 0");
    const services = await ofCore("GET services\nColumns: host_name description state\nFilter: state != 0");
    expect(page.missing).toEqual([]);
    expect(page.problems.filter(({ service }) => service === undefined).map(({ host }) => [host])).toEqual(
      expect.arrayContaining(hosts),
    );
    expect(page.total).toBe(hosts.length + services.length);
    const words = ["", "warn", "crit", "unknown"];
    expect(
      page.problems.flatMap(({ host, service, state }) =>
        service === undefined ? [] : [[host, service, words.indexOf(state)]],
      ),
    ).toEqual(expect.arrayContaining(services));
    const unhandled = await ofCore(
      "GET services\nStats: state != 0\nStats: host_state = 0\nStatsAnd: 2\nStats: state != 0",
    );
    const open = await list("--tenant", "acme", "--site", "main");
    expect(open.problems.filter(({ service }) => service !== undefined).length).toBe(unhandled[0]?.[0]);
  });

  test("an acknowledgement is in the core, with who gave it, and is taken back", async () => {
    const { host, service } = await critical(0);
    const comment = "bekannt; neue Maschine am Freitag – Größe";
    const given = await give("acknowledge", OPEN, host, service, "--comment", comment);
    expect(given).toMatchObject({ code: 0, result: { outcome: "done" } });
    const filter = `Filter: host_name = ${host}\nFilter: description = ${service}`;
    expect(await ofCore(`GET services\nColumns: acknowledged acknowledgement_type\n${filter}`)).toEqual([
      [true, 2],
    ]);
    const [made] = await ofCore(
      `GET comments\nColumns: author comment\nFilter: host_name = ${host}\nFilter: service_description = ${service}`,
    );
    expect(made).toEqual([expect.stringMatching(/^admin \S/), comment]);
    await until("the list to show it", async () => {
      const page = await list("--site", "main", "--tenant", "acme", "--all");
      return page.problems.some(
        (each) => each.host === host && each.service === service && each.acknowledged,
      );
    });
    expect(await give("acknowledge", OPEN, host, service, "--comment", "another")).toMatchObject({
      result: { outcome: "refused", reason: "it is acknowledged already" },
    });
    expect(await give("unacknowledge", OPEN, host, service)).toMatchObject({ result: { outcome: "done" } });
    expect(await ofCore(`GET services\nColumns: acknowledged\n${filter}`)).toEqual([[false]]);
    expect(await give("unacknowledge", OPEN, host, service)).toMatchObject({
      code: 1,
      result: { outcome: "refused", reason: "it is not acknowledged" },
    });
    const audit = await hub.json<AuditRecord[]>("audit", "--action", "problem.");
    expect(audit[0]).toMatchObject({
      who: expect.stringMatching(/^admin \S/),
      action: "problem.acknowledge",
      tenant: "acme",
      site: "main",
      detail: `${host} / ${service}; ${comment}; sent`,
    });
  });

  test("a host's problem is acknowledged", async () => {
    const [[host] = []] = await ofCore("GET hosts\nColumns: name\nFilter: state = 1");
    const given = await give("acknowledge", OPEN, String(host), "--comment", "x");
    expect(given).toMatchObject({ code: 0, result: { outcome: "done" } });
    expect(await ofCore(`GET hosts\nColumns: acknowledged\nFilter: name = ${host}`)).toEqual([[true]]);
    expect(await give("unacknowledge", OPEN, String(host))).toMatchObject({ result: { outcome: "done" } });
  });

  test("a downtime of a host with its services, and of a service, is in the core, and is removed", async () => {
    const { host, service } = await critical(1);
    const words = ["--for", "2h", "--comment", "new disk; slow"];
    expect(await give("downtime", OPEN, host, "--services", ...words)).toMatchObject({
      code: 0,
      result: { outcome: "done" },
    });
    const made = await ofCore(
      `GET downtimes\nColumns: is_service author comment fixed\nFilter: host_name = ${host}`,
    );
    expect(made.length).toBe(7);
    expect(made[0]).toEqual([expect.any(Number), expect.stringMatching(/^admin /), "new disk; slow", true]);
    expect(await give("remove-downtime", OPEN, host)).toMatchObject({ result: { outcome: "done" } });
    expect(await give("remove-downtime", OPEN, host)).toMatchObject({ result: { outcome: "refused" } });
    expect(await give("downtime", OPEN, host, service, ...words)).toMatchObject({
      result: { outcome: "done" },
    });
    const left = `GET downtimes\nColumns: id\nFilter: host_name = ${host}\nFilter: service_description = ${service}`;
    const ids = (await ofCore(left)).flat().map(Number);
    expect(ids.length).toBe(2);
    const first = await give("remove-downtime", OPEN, host, service, "--id", String(ids[0]));
    expect(first).toMatchObject({ result: { outcome: "done" } });
    expect(await ofCore(left)).toEqual([[ids[1]]]);
  });

  test("a check is made now", async () => {
    const { host, service } = await critical(2);
    const query = `GET services\nColumns: last_check\nFilter: host_name = ${host}\nFilter: description = ${service}`;
    const [[before] = []] = await ofCore(query);
    expect(await give("recheck", OPEN, host, service)).toMatchObject({
      code: 0,
      result: { outcome: "done" },
    });
    const [[after] = []] = await ofCore(query);
    expect(Number(after)).toBeGreaterThan(Number(before));
    expect(await give("recheck", OPEN, host)).toMatchObject({ result: { outcome: "done" } });
  });

  test("the hub's policy and the agent's guard hold, and nothing reaches the core", async () => {
    const { host, service } = await critical(3);
    const words = [host, service, "--comment", "refused"];
    expect(await give("acknowledge", READ_ONLY, ...words)).toMatchObject({
      code: 1,
      result: { outcome: "refused", reason: "this site takes no commands: it is read-only here" },
    });
    const guarded = await give("acknowledge", GUARDED, ...words);
    expect(guarded).toMatchObject({ code: 1, result: { outcome: "refused" } });
    expect(guarded.stderr).toContain("E_COMMAND");
    expect(await ofCore("GET comments\nColumns: id\nFilter: comment = refused")).toEqual([]);
    const audit = await hub.json<AuditRecord[]>("audit", "--action", "problem.", "--site", GUARDED);
    expect(audit.at(-1)?.detail).toContain("refused: its agent does not allow this request");
  });

  test("what cannot be meant is refused before anything is sent", async () => {
    const { host } = await critical(0);
    const refused = async (...words: string[]) => (await give("recheck", OPEN, ...words)).stderr;
    expect(await refused("no-such-host")).toContain("the core has no such host");
    expect(await refused(host, "no such service")).toContain("the core has no such service");
    expect(await refused(`${host};x`)).toContain("E_NAME");
    expect(await refused(`${host}\n`)).toContain("E_NAME");
    const [[well] = []] = await ofCore("GET hosts\nColumns: name\nFilter: state = 0");
    const given = await give("acknowledge", OPEN, String(well), "--comment", "x");
    expect(given.result).toMatchObject({ outcome: "refused", reason: expect.stringContaining("it is well") });
    const lines = await give("acknowledge", OPEN, host, "--comment", "a\nCOMMAND [1] STOP");
    expect(lines.stderr).toContain("E_USAGE");
  });

  test("a site's history has its agent's carrier, and how quick its core is", async () => {
    type History = { day: SiteSeries; fine: SiteSpark; connects: Connect[] };
    const history = () => hub.json<History>("site", "history", OPEN);
    await until("a value of each kind", async () => {
      const { fine } = await history();
      const lines = [fine.rtt, fine.received, fine.sent, fine.latency];
      return lines.every((line) => line.some((value) => value !== null && value > 0));
    });
    const { day, fine, connects } = await history();
    expect([day.rtt.avg.length, fine.rtt.length]).toEqual([1_440, 180]);
    expect(connects[0]).toMatchObject({ carrier: "websocket", peer: "127.0.0.1", resumed: false });
    expect(await hub.ok("site", "history", OPEN)).toMatch(/round trip .* ms[\s\S]*websocket/);
    expect((await hub.call(["site", "history", "acme/none"])).stderr).toContain("E_NOT_FOUND");
  });

  test("what changes at the core is told to who watches", async () => {
    const target = livestatusOf(core);
    const problems = new LiveProblems({
      cores: {
        rows: (_, { text }) =>
          rows(target, text).then(
            (found) => found as never,
            (error: Error) => Promise.reject(new Refusal(502, error.message)),
          ),
        tell: async () => {},
      },
      unreachable: () => undefined,
      limits: {
        interval: 500,
        refresh: 30_000,
        answer: 10_000,
        sites: 10,
        sitesPerSecond: 100,
        perSite: 1_000,
        problems: 10_000,
        watchers: 2,
        confirm: 1_000,
      },
      audit: async () => {},
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    });
    problems.offer({ id: 1, tenant: "acme", name: "main", enabled: true, services: ["livestatus"] } as Site);
    const told: ProblemChanges[] = [];
    const end = problems.watch(["acme"], (changes) => void told.push(changes));
    try {
      await problems.list({}, ["acme"]);
      const [[host, service] = []] = await ofCore(
        "GET services\nColumns: host_name description\nFilter: state = 0\nFilter: host_state = 0\nLimit: 1",
      );
      const submit = (state: number, output: string) => {
        const now = Math.floor(Date.now() / 1_000);
        const command = `[${now}] PROCESS_SERVICE_CHECK_RESULT;${host};${service};${state};${output}`;
        return ask(target, `COMMAND ${command}\n\n`, { halfClose: true });
      };
      await submit(2, "CRITICAL - on fire");
      const found = () =>
        told
          .flatMap(({ appeared }) => appeared)
          .find((each) => each.host === host && each.service === service);
      await until("it to appear", () => found() !== undefined);
      expect(found()).toMatchObject({ service, state: "crit", output: "CRITICAL - on fire", handled: false });
      await submit(0, "OK");
      await until("it to go", () => told.some(({ gone }) => gone.includes(found()?.id ?? "")));
    } finally {
      end();
      problems.close();
    }
  });
});
