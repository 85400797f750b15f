/** Two customers with a real core each, one of them read-only at the hub. */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditRecord } from "../../../hub/registry/index.ts";
import { FarsiteLab, type TestAgent, type TestHub } from "../../lab/farsite.ts";
import {
  ICINGA_PACKAGES,
  type IcingaSite,
  livestatusOf,
  makeIcingaSite,
  settled,
  startIcinga,
} from "../../lab/icinga.ts";
import { ask, rows, type Target } from "../../lab/livestatus.ts";
import { obstacleTo } from "../../lab/obstacle.ts";
import { waitFor } from "../../lab/process.ts";

const SITES = ["acme/main", "beta/main"] as const;

const obstacle = await obstacleTo("a policy for each tenant", ICINGA_PACKAGES);

describe.skipIf(obstacle !== undefined)("a policy for each tenant", () => {
  let lab: FarsiteLab;
  let hub: TestHub;
  const cores = new Map<string, IcingaSite>();
  const agents = new Map<string, TestAgent>();

  beforeAll(async () => {
    lab = new FarsiteLab();
    hub = await lab.startHub({
      policy: {
        acme: { commands: "none" },
        beta: { commands: ["ADD_*"] },
        "acme/main": { tables: ["hosts", "comments", "status"] },
        nobody: { commands: "none" },
      },
    });
    for (const path of SITES) {
      const name = path.replace("/", "-");
      const core = makeIcingaSite({ name, directory: join(lab.folder, name), hosts: 3, servicesPerHost: 1 });
      cores.set(path, core);
      await startIcinga(core, { cleanup: lab.cleanup });
      agents.set(path, await lab.connect(hub, path, { services: { livestatus: `unix:${core.socket}` } }));
    }
    for (const core of cores.values()) await settled(core);
  });
  afterAll(() => lab.end());

  const core = (path: string) => cores.get(path) as IcingaSite;
  const comments = (path: string) => rows(livestatusOf(core(path)), "GET comments\nColumns: comment");
  const comment = (path: string, text: string, command = "ADD_HOST_COMMENT") =>
    `COMMAND [${Math.floor(Date.now() / 1_000)}] ${command};${core(path).hosts[0]?.name};1;admin;${text}`;
  const endpoint = async (path: string): Promise<Target> => {
    const { address, port } = await hub.endpoint(path, "livestatus");
    return { host: address, port };
  };
  const refusals = () => hub.json<AuditRecord[]>("audit", "--action", "livestatus.refuse");

  /** Gives a command to each site; resolves when the one that takes it has it. */
  async function give(how: (path: string, text: string) => Promise<unknown>, text: string): Promise<void> {
    for (const path of SITES) await how(path, text).catch(() => undefined);
    await waitFor("the comment", async () => JSON.stringify(await comments("beta/main")).includes(text), {
      withinMs: 10_000,
    });
  }

  test("a command reaches one core and not the other, at each site's own endpoint", async () => {
    await give(
      async (path, text) => ask(await endpoint(path), `${comment(path, text)}\n\n`, { halfClose: true }),
      "one",
    );
    expect(await comments("acme/main")).toEqual([]);
    expect(await refusals()).toMatchObject([
      {
        who: "client",
        from: "127.0.0.1",
        tenant: "acme",
        site: "main",
        action: "livestatus.refuse",
        detail:
          "COMMAND ADD_HOST_COMMENT, refused by the hub: this site takes no commands: it is read-only here",
      },
    ]);
  });

  test("the same over the endpoint of all sites", async () => {
    const operators = { unix: join(hub.runDir, "livestatus.sock") };
    await give(
      (path, text) => ask(operators, `${comment(path, text)}\nBackends: ${path}\n\n`, { halfClose: true }),
      "two",
    );
    expect(await comments("acme/main")).toEqual([]);
    expect((await refusals()).at(-1)).toMatchObject({ from: "unix", tenant: "acme", site: "main" });
  });

  test("tables are those of each site, for one who asks both", async () => {
    const operators = { unix: join(hub.runDir, "livestatus.sock") };
    const keys = async (table: string) =>
      new Set((await rows(operators, `GET ${table}\nColumns: peer_key`)).map(([key]) => key));
    expect(await keys("hosts")).toEqual(new Set(SITES));
    expect(await keys("services")).toEqual(new Set(["beta/main"]));
  });

  test("site show prints what holds, and the hub has warned of the rule for nobody", async () => {
    expect(await hub.ok("site", "show", "acme/main")).toContain(
      'policy       commands = "none", tables = ["hosts","comments","status"], longest_request_mib = 4, ',
    );
    expect(await hub.json("site", "show", "beta/main")).toMatchObject({
      policy: { commands: ["ADD_*"], tables: "all", query_timeout_seconds: 120 },
    });
    expect(hub.process.output).toContain("there is no such tenant or site key=policy.nobody");
  });

  test("what the customer does not allow is in the hub's audit, too", async () => {
    const agent = agents.get("beta/main") as TestAgent;
    await agent.stop();
    agent.write({
      services: { livestatus: `unix:${core("beta/main").socket}` },
      livestatus: { commands: "none" },
    });
    await agent.start();
    await waitFor("the site", async () => (await hub.site("beta/main")).livestatus.state === "online", {
      withinMs: 20_000,
    });
    const before = await comments("beta/main");
    await ask(await endpoint("beta/main"), `${comment("beta/main", "three")}\n\n`, { halfClose: true }).catch(
      () => undefined,
    );
    await waitFor("the record", async () => (await refusals()).at(-1)?.tenant === "beta", {
      withinMs: 10_000,
    });
    expect((await refusals()).at(-1)?.detail).toBe(
      "COMMAND ADD_HOST_COMMENT, refused by the agent: its agent does not allow this request",
    );
    expect(await comments("beta/main")).toEqual(before);
  });
});
