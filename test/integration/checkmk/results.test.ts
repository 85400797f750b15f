/** States of sites as check results of hosts, in a real core. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  deliver,
  hostResult,
  hostState,
  type SiteStatus,
  withoutUnreachable,
} from "../../../hub/checkmk/index.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { ensurePackages, isRoot } from "../../lab/debian.ts";
import {
  ICINGA_PACKAGES,
  type IcingaSite,
  livestatusOf,
  makeIcingaSite,
  settled,
  startIcinga,
} from "../../lab/icinga.ts";
import { rows } from "../../lab/livestatus.ts";
import { hostStates, makeNagios, NAGIOS_PACKAGES, startNagios } from "../../lab/nagios.ts";
import { waitFor } from "../../lab/process.ts";

const cleanup = new Cleanup();
afterAll(() => cleanup.run());
const folder = scratchDirectory(cleanup, "results");

const missing = await ensurePackages(ICINGA_PACKAGES, { why: "giving check results to a real core" });
// it gives itself to a user of its own
const hasNagios =
  isRoot() &&
  (await ensurePackages(NAGIOS_PACKAGES, { why: "giving check results to a real core" })).length === 0;

const status = (site: string, state: SiteStatus["state"], reason = ""): SiteStatus => ({
  tenant: "acme",
  site,
  state,
  reason,
  rtt: 0.0123,
});

describe.skipIf(missing.length > 0)("a real Icinga 2", () => {
  let core: IcingaSite;
  beforeAll(async () => {
    core = makeIcingaSite({ name: "central", directory: join(folder, "core"), hosts: 3, servicesPerHost: 0 });
    await startIcinga(core, { cleanup });
    await settled(core);
  });

  const hostsNow = async () =>
    (await rows(livestatusOf(core), "GET hosts\nColumns: name state plugin_output perf_data")) as [
      string,
      number,
      string,
      string,
    ][];

  test.each([["Livestatus"], ["pipe"]] as const)("takes them through its %s", async (way) => {
    const [first = "", second = "", third = ""] = core.hosts.map(({ name }) => name);
    const address = way === "pipe" ? { pipe: core.commandPipe } : { path: core.socket };
    const at = Math.floor(Date.now() / 1_000);
    const states = [
      [first, status("main", "dead", `the site is dead (stopped): [Errno 111] ${way}; x`)],
      [second, status("east", "online")],
      [third, status("west", "unreach", `the line, ${way}`)],
    ] as const;
    await deliver(
      address,
      states.map(([host, site]) => hostResult(host, withoutUnreachable(hostState(site)), at)),
    );
    await waitFor(
      "the results",
      async () => (await hostsNow()).every(([, , output]) => output.startsWith("acme/")),
      { withinMs: 20_000 },
    );
    const now = new Map((await hostsNow()).map(([name, ...rest]) => [name, rest]));
    expect(now.get(first)).toEqual([
      1,
      `acme/main is dead (stopped): [Errno 111] ${way}; x`,
      "rtt=0.0123s;;;0",
    ]);
    expect(now.get(second)).toEqual([0, "acme/east is online", "rtt=0.0123s;;;0"]);
    expect(now.get(third)?.[0]).toBe(1);
  });

  test("drops what is UNREACHABLE, unless it is given as DOWN", async () => {
    const [first = "", second = ""] = core.hosts.map(({ name }) => name);
    const at = Math.floor(Date.now() / 1_000);
    await deliver({ path: core.socket }, [
      hostResult(first, hostState(status("lost", "unreach")), at),
      hostResult(second, withoutUnreachable(hostState(status("told", "unreach"))), at),
    ]);
    const told = async () => (await hostsNow()).map(([, , output]) => output);
    await waitFor("the second", async () => (await told()).includes("acme/told is unreach"), {
      withinMs: 20_000,
    });
    expect(await told()).not.toContain("acme/lost is unreach");
  });
});

describe.skipIf(!hasNagios)("a real Nagios 4, as in Checkmk Raw", () => {
  test("takes every state of a host through its pipe", async () => {
    const core = makeNagios({ directory: join(folder, "nagios"), hosts: ["up", "down", "unreach"] });
    await startNagios(core, { cleanup });
    const at = Math.floor(Date.now() / 1_000);
    await deliver({ pipe: core.commandPipe }, [
      hostResult("up", hostState(status("main", "online")), at),
      hostResult("down", hostState(status("east", "dead", "stopped; x")), at),
      hostResult("unreach", hostState(status("west", "unreach", "the line")), at),
    ]);
    await waitFor(
      "the results",
      () => {
        const states = hostStates(core);
        return states.size === 3 && [...states.values()].every(({ output }) => output.startsWith("acme/"));
      },
      { withinMs: 20_000 },
    );
    expect(Object.fromEntries(hostStates(core))).toEqual({
      up: { state: 0, output: "acme/main is online", perfdata: "rtt=0.0123s;;;0", longOutput: "" },
      // its own doing: it keeps no semicolons
      down: {
        state: 1,
        output: "acme/east is dead (stopped: x)",
        perfdata: "rtt=0.0123s;;;0",
        longOutput: "",
      },
      unreach: {
        state: 2,
        output: "acme/west is unreach (the line)",
        perfdata: "rtt=0.0123s;;;0",
        longOutput: "",
      },
    });
  });
});

describe("a core that takes nothing", () => {
  const result = hostResult("h", hostState(status("main", "online")), 1_790_000_000);

  test.each([
    ["that is not there", () => ({ path: join(folder, "none") }), "ENOENT"],
    ["whose pipe is not there", () => ({ pipe: join(folder, "none") }), "ENOENT"],
    [
      "whose pipe nobody reads",
      () => {
        const path = join(folder, "unread");
        expect(spawnSync("mkfifo", [path]).status).toBe(0);
        return { pipe: path };
      },
      "ENXIO",
    ],
    [
      "whose pipe is a file",
      () => {
        const path = join(folder, "file");
        writeFileSync(path, "");
        return { pipe: path };
      },
      "it is no pipe",
    ],
  ])("%s is named, with the reason", async (_, address, reason) => {
    await expect(deliver(address(), [result])).rejects.toMatchObject({
      code: "E_CORE_UNREACHABLE",
      message: expect.stringContaining(reason),
    });
  });

  test("a file in place of a pipe is not written to", async () => {
    const path = join(folder, "own");
    writeFileSync(path, "mine");
    await expect(deliver({ pipe: path }, [result])).rejects.toThrow("it is no pipe");
    expect(readFileSync(path, "utf8")).toBe("mine");
  });

  test("each command has a connection of its own, ended by the client, until the core ends it", async () => {
    const heard: string[] = [];
    const path = join(folder, "live");
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let text = "";
      socket.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      socket.on("end", () => {
        heard.push(text);
        socket.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    cleanup.add("close the core", () => server.close());
    await deliver({ path }, [result, result]);
    expect(heard).toEqual([`COMMAND ${result}\n\n`, `COMMAND ${result}\n\n`]);
  });
});
