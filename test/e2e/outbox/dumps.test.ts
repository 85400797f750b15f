import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensurePackages, isRoot } from "../../lab/debian.ts";
import { FarsiteLab, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import {
  ICINGA_PACKAGES,
  type IcingaSite,
  livestatusOf,
  makeIcingaSite,
  settled,
  startIcinga,
} from "../../lab/icinga.ts";
import { ask, rows } from "../../lab/livestatus.ts";
import {
  hostStates,
  makeNagios,
  NAGIOS_PACKAGES,
  type Nagios,
  serviceStates,
  startNagios,
} from "../../lab/nagios.ts";
import type { LabProcess } from "../../lab/process.ts";

const PREFIX = "acme-";
const HOSTS = 30;
const SERVICES_PER_HOST = 10;

const missing = await ensurePackages([...ICINGA_PACKAGES, ...NAGIOS_PACKAGES], { why: "status dumps" });
const can = missing.length === 0 && isRoot();
if (!can) console.warn(`LEFT OUT: status dumps from Icinga 2 to Nagios: ${missing.join(", ") || "not root"}`);

/** What both sides say of each host and service, in the same words. */
type States = Map<string, string>;

describe.skipIf(!can)("states of an Icinga 2 in a Nagios 4", () => {
  const lab = new FarsiteLab();
  const folder = (name: string): string => {
    const path = join(lab.folder, name);
    mkdirSync(path);
    return path;
  };
  let site: IcingaSite;
  let nagios: Nagios;
  /** One that has none of the site's hosts in its configuration. */
  let fresh: Nagios;
  let core: LabProcess;
  let hub: TestHub;
  let agent: TestAgent;

  beforeAll(async () => {
    site = makeIcingaSite({
      name: "remote",
      directory: folder("icinga"),
      hosts: HOSTS,
      servicesPerHost: SERVICES_PER_HOST,
    });
    core = await startIcinga(site, { cleanup: lab.cleanup });
    await settled(site);
    nagios = makeNagios({
      directory: folder("nagios"),
      hosts: site.hosts.map(({ name }) => `${PREFIX}${name}`),
      services: site.hosts.flatMap(({ name, services }) =>
        services.map(({ description }) => ({ host: `${PREFIX}${name}`, description })),
      ),
    });
    // what the hub writes there is of the core's group
    chmodSync(join(nagios.directory, "checkresults"), 0o2770);
    await startNagios(nagios, { cleanup: lab.cleanup });
    fresh = makeNagios({ directory: folder("fresh"), hosts: ["own"] });
    for (const each of ["checkresults", "objects"]) chmodSync(join(fresh.directory, each), 0o2770);
    const { pid } = await startNagios(fresh, { cleanup: lab.cleanup });
    hub = await lab.startHub({
      dumps: {
        host_prefix: { acme: PREFIX },
        stale_seconds: 8,
        sinks: {
          central: { kind: "check-results", folder: join(nagios.directory, "checkresults") },
          fresh: {
            kind: "check-results",
            folder: join(fresh.directory, "checkresults"),
            objects: join(fresh.directory, "objects"),
            reload: ["kill", "-HUP", String(pid)],
            reload_seconds: 1,
          },
        },
      },
    });
    agent = await lab.connect(hub, "acme/main", {
      push_only: true,
      dumps: { livestatus: `unix:${site.socket}`, interval_seconds: 1 },
    });
  });
  afterAll(() => lab.end());

  async function remote(): Promise<States> {
    const columns = "state plugin_output long_plugin_output perf_data";
    const hosts = (await rows(livestatusOf(site), `GET hosts\nColumns: name ${columns}`)) as string[][];
    const services = (await rows(
      livestatusOf(site),
      `GET services\nColumns: host_name description ${columns}`,
    )) as string[][];
    // Nagios keeps no semicolon there
    const first = (text: string | undefined) => (text ?? "").replaceAll(";", ":");
    const long = (text: string | undefined) => (text ?? "").replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
    return new Map([
      ...hosts.map(([name, state, output, more, perf]): [string, string] => [
        `${PREFIX}${name}`,
        [state, first(output), long(more), perf].join(" | "),
      ]),
      ...services.map(([host, description, state, output, more, perf]): [string, string] => [
        `${PREFIX}${host}/${description}`,
        [state, first(output), long(more), perf].join(" | "),
      ]),
    ]);
  }

  function central(): States {
    const all = [...hostStates(nagios), ...serviceStates(nagios)];
    return new Map(
      all.map(([name, { state, output, longOutput, perfdata }]) => [
        name,
        [state, output, longOutput, perfdata].join(" | "),
      ]),
    );
  }

  async function alike(): Promise<void> {
    let difference = "";
    await until("both cores to say the same", async () => {
      const [there, here] = [await remote(), central()];
      const other = [...there].filter(([name, text]) => here.get(name) !== text);
      difference = JSON.stringify(other.slice(0, 2).map(([name, text]) => [name, text, here.get(name)]));
      return there.size === HOSTS * (SERVICES_PER_HOST + 1) && other.length === 0;
    }).catch((error: unknown) => {
      throw new Error(`${difference}\n${hub.process.output}`, { cause: error });
    });
  }

  function change(host: number, service: number, state: number, output: string): Promise<unknown> {
    const { name, services } = site.hosts[host]!;
    const words = [name, services[service]!.description, state, output].join(";");
    const now = Math.floor(Date.now() / 1000);
    return ask(livestatusOf(site), `COMMAND [${now}] PROCESS_SERVICE_CHECK_RESULT;${words}\n\n`, {
      halfClose: true,
    });
  }

  test("all of them are the same, with output and performance data", async () => {
    await alike();
    expect((await agent.status()).dumps?.problem).toBeUndefined();
    expect(await agent.ok("status")).toMatch(/status dumps: \d+ made, 1 of them full/);
  });

  test("a Nagios that knows nothing of the site gets its hosts and services, and then their states", async () => {
    await until("all to be there, with their states", () => {
      const [there, here] = [serviceStates(nagios), serviceStates(fresh)];
      return [...there].every(([name, { state, output }]) => {
        const same = here.get(name);
        return same?.state === state && same.output === output;
      });
    });
    expect(hostStates(fresh).size).toBe(HOSTS + 1);
  });

  test("what changes follows, with everything that output can be made of", async () => {
    await change(0, 0, 2, "CRIT; a \\ b ä [x] 'y' \"z\" $HOSTNAME$|v=1;2;3;4 'w x'=5%");
    await change(1, 1, 1, "COMMAND [1] SHUTDOWN_PROGRAM; host_name=x");
    await alike();
    expect(
      serviceStates(nagios).get(`${PREFIX}${site.hosts[0]!.name}/${site.hosts[0]!.services[0]!.description}`),
    ).toMatchObject({ state: 2, perfdata: expect.stringContaining("v=1;2;3;4") });
    // neither side sends everything for that
    expect((await agent.status()).dumps?.full).toBe(1);
  });

  test("what the hub has not taken gives way to what is newer", async () => {
    await hub.stop();
    const made = (await agent.status()).dumps?.dumps ?? 0;
    await change(2, 2, 3, "in between");
    await until("several dumps", async () => ((await agent.status()).dumps?.dumps ?? 0) > made + 3);
    await change(2, 2, 1, "in the end");
    // for a moment the newer one is there and the older one not gone yet
    await until("one dump to be left", async () => {
      const [lane] = (await agent.status()).outbox;
      return lane?.lane === "status" && lane.items === 1;
    });
    await hub.start();
    await alike();
  });

  test("a site that is silent is marked as stale, and all of it is told anew when it is back", async () => {
    await agent.stop();
    const path = `${PREFIX}${site.hosts[3]!.name}/${site.hosts[3]!.services[3]!.description}`;
    await until("Nagios to have everything as stale", () =>
      [...serviceStates(nagios).values(), ...hostStates(nagios).values()].every(({ output }) =>
        output.startsWith("stale: nothing was heard from acme/main since 20"),
      ),
    );
    expect([
      serviceStates(nagios).get(path)?.state,
      hostStates(nagios).get(`${PREFIX}${site.hosts[3]!.name}`)?.state,
    ]).toEqual([3, 2]);
    await agent.start();
    await alike();
  });

  test("a core that does not answer is said, and its states are stale in the end", async () => {
    await core.stop();
    await until("the agent to say so", async () => (await agent.status()).dumps?.problem !== undefined);
    await until("a host to be stale", () =>
      (hostStates(nagios).get(`${PREFIX}${site.hosts[0]!.name}`)?.output ?? "").startsWith("stale: "),
    );
  });
});
