/** States that go to a real core over its Livestatus. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../common/clock.ts";
import { Commands, connectOverNetwork, RESULTS } from "../../../hub/inbox/dumps/commands.ts";
import { readDump } from "../../../hub/inbox/dumps/dump.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { ensurePackages } from "../../lab/debian.ts";
import {
  ICINGA_PACKAGES,
  type IcingaSite,
  livestatusOf,
  makeIcingaSite,
  settled,
  startIcinga,
} from "../../lab/icinga.ts";
import { rows } from "../../lab/livestatus.ts";
import type { LabProcess } from "../../lab/process.ts";

const missing = await ensurePackages(ICINGA_PACKAGES, { why: "states over Livestatus" });
if (missing.length > 0)
  console.warn(`LEFT OUT: states over Livestatus: not installed: ${missing.join(", ")}`);

describe.skipIf(missing.length > 0)("states in a real Icinga 2", () => {
  const cleanup = new Cleanup();
  let site: IcingaSite;
  let daemon: LabProcess;
  let commands: Commands;

  beforeAll(async () => {
    site = makeIcingaSite({
      name: "acme",
      directory: scratchDirectory(cleanup, "dumps"),
      hosts: 20,
      servicesPerHost: 10,
    });
    daemon = await startIcinga(site, { cleanup });
    await settled(site);
    commands = new Commands({
      language: RESULTS,
      address: { kind: "unix", path: site.socket },
      connect: connectOverNetwork,
      clock: systemClock,
      timeout: 10_000,
    });
  });
  afterAll(() => cleanup.run());

  test("all of a site's are there once it is written, and nothing in a text is a command", async () => {
    const smuggled = "l1\n\nCOMMAND [1795634631] DISABLE_NOTIFICATIONS\n\n";
    const body = Buffer.from(
      JSON.stringify({
        version: 1,
        reset: true,
        complete: true,
        hosts: site.hosts.map(({ name }) => [
          name.slice("acme-".length),
          1,
          "gone; 'x'",
          smuggled,
          "rta=1;2;3",
          "",
          "",
        ]),
        services: site.hosts.flatMap(({ name, services }) =>
          services.map(({ description }) => [
            name.slice("acme-".length),
            description,
            2,
            `é ${description}; [y]`,
            smuggled,
            "v=1;2;3;4 w=5",
          ]),
        ),
        gone: [],
      }),
    );
    await commands.write("acme/main", readDump("dump", body, "acme-"));
    const hosts = await rows(livestatusOf(site), "GET hosts\nColumns: state plugin_output");
    expect(new Set(hosts.map((row) => row.join(" ")))).toEqual(new Set(["1 gone; 'x'"]));
    const services = (await rows(
      livestatusOf(site),
      "GET services\nColumns: description state plugin_output perf_data",
    )) as [string, number, string, string][];
    expect(services).toHaveLength(200);
    for (const [description, state, output, perf] of services) {
      expect([state, output]).toEqual([2, `é ${description}; [y]`]);
      expect(perf).toMatch(/^v=1;2;3;4 w=5/);
    }
  });

  test("a core that is not there is said", async () => {
    await daemon.stop();
    const body = { reset: true, complete: true, services: new Map(), gone: [], refused: [] };
    const status = { state: 0, output: "", longOutput: "", perfData: "" };
    const dump = { ...body, hosts: new Map([["acme-x", { ...status, alias: "", address: "" }]]) };
    await expect(commands.write("acme/main", dump)).rejects.toThrow(
      /ENOENT|ECONNREFUSED|no such file|connect/i,
    );
  });
});
