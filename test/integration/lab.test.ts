import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Cleanup, scratchDirectory } from "../lab/cleanup.ts";
import { attempt } from "../lab/command.ts";
import { ensurePackages, isRoot, missingPackages } from "../lab/debian.ts";
import {
  ICINGA_PACKAGES,
  type IcingaSite,
  livestatusOf,
  makeIcingaSite,
  settled,
  startIcinga,
} from "../lab/icinga.ts";
import {
  ControlFailed,
  connects,
  crossTenantBlocked,
  inboundBlocked,
  onlyTunnelOut,
} from "../lab/isolation.ts";
import { ask, LivestatusConnection, rows } from "../lab/livestatus.ts";
import {
  CUSTOMER_ADDRESS,
  createNetwork,
  firewallOf,
  HUB_ADDRESS,
  NETWORK_PACKAGES,
  type Network,
} from "../lab/network.ts";
import { namespaceObstacle } from "../lab/obstacle.ts";
import { type LabProcess, launch, waitFor } from "../lab/process.ts";
import { isAlive, treeOf } from "../lab/process-tree.ts";

const noIcinga = await lacking(ICINGA_PACKAGES, "a real monitoring core");
const noNetwork =
  (await lacking(NETWORK_PACKAGES, "customer networks with firewalls")) ?? namespaceObstacle();

async function lacking(packages: readonly string[], why: string): Promise<string | undefined> {
  const missing = await ensurePackages(packages, { why });
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

/** A suite that is left out says so where it cannot be overlooked. */
function suite(name: string, obstacle: string | undefined, body: () => void): void {
  if (obstacle !== undefined) process.stderr.write(`LEFT OUT: lab: ${name}: ${obstacle}\n`);
  describe.skipIf(obstacle !== undefined)(name, body);
}

function cleanupOfTest(): Cleanup {
  const cleanup = new Cleanup();
  onTestFinished(() => cleanup.run());
  return cleanup;
}

const lab = (module: string) => JSON.stringify(fileURLToPath(new URL(`../lab/${module}`, import.meta.url)));
const bun = (script: string) => [process.execPath, "-e", script];

describe("processes", () => {
  test("launch waits for readiness and stop ends the process", async () => {
    const child = await launch(["sh", "-c", "echo about; sleep 0.1; echo ready; exec sleep 1000"], {
      ready: ({ output }) => output.includes("ready"),
      cleanup: cleanupOfTest(),
    });
    expect(child.output).toBe("about\nready\n");
    expect(await child.stop()).toEqual({ code: null, signal: "SIGTERM" });
  });

  test("a process that ends before it is ready fails the launch at once, with its output", async () => {
    const launching = launch(["sh", "-c", "echo no such luck >&2; exit 3"], {
      label: "the unlucky",
      ready: () => false,
      readyWithinMs: 3_600_000,
    });
    await expect(launching).rejects.toThrow(/the unlucky.*ended with code 3\nno such luck/s);
  });

  test("a process that is not ready in time is killed, and the obstacle is told", async () => {
    let child: LabProcess | undefined;
    const launching = launch(["sleep", "1000"], {
      ready: (started) => {
        child = started;
        throw new Error("still closed");
      },
      readyWithinMs: 50,
    });
    await expect(launching).rejects.toThrow(/not in 50 ms \(still closed\)/);
    expect(child?.exit).toEqual({ code: null, signal: "SIGKILL" });
  });

  test("a program that does not exist fails the launch", async () => {
    await expect(launch(["/nonexistent/program"], { ready: () => false })).rejects.toThrow(/code 127/);
  });

  test("stop takes along descendants, and those that ignore SIGTERM", async () => {
    const stubborn = `trap "" TERM; sleep 1000 & sleep 1000 & echo ready; wait; wait`;
    const child = await launch(["sh", "-c", stubborn], { ready: ({ output }) => output.includes("ready") });
    const tree = treeOf(child.pid ?? 0);
    expect(tree).toHaveLength(3);
    expect((await child.stop(50)).signal).toBe("SIGKILL");
    await waitFor("the descendants to end", () => !tree.some(isAlive), { withinMs: 5_000 });
  });

  test.skipIf(Bun.which("setpriv") === null)("children die with a parent that is killed", async () => {
    const script = `
      const { launch } = await import(${lab("process.ts")});
      const child = await launch(["sleep", "1000"]);
      console.log("child " + child.pid);
      setInterval(() => {}, 1000);`;
    const parent = await launch(bun(script), { ready: ({ output }) => output.includes("child ") });
    const [child] = treeOf(Number(/child (\d+)/.exec(parent.output)?.[1]));
    expect(child).toBeDefined();
    parent.signal("SIGKILL");
    await waitFor("the child to end", () => child !== undefined && !isAlive(child), { withinMs: 5_000 });
  });
});

describe("cleanup", () => {
  test("steps run in reverse, all of them, and failures are told", async () => {
    const cleanup = new Cleanup();
    const order: string[] = [];
    cleanup.add("first", () => order.push("first"));
    cleanup.add("second", async () => {
      throw new Error("stuck");
    });
    cleanup.add("third", async () => order.push("third"));
    await expect(cleanup.run()).rejects.toThrow("second: stuck");
    expect(order).toEqual(["third", "first"]);
    await cleanup.run();
    expect(order).toHaveLength(2);
  });

  const announce = `
    const { Cleanup } = await import(${lab("cleanup.ts")});
    const cleanup = new Cleanup();
    cleanup.add("first", () => console.log("undone first"), () => console.log("short first"));
    cleanup.add("last", async () => { await Bun.sleep(1); console.log("undone last"); }, () => console.log("short last"));
    console.log("ready");`;

  test.each(["SIGINT", "SIGTERM"] as const)(
    "runs upon %s, and the process still dies of it",
    async (signal) => {
      const child = await launch(bun(`${announce} setInterval(() => {}, 1000);`), {
        ready: ({ output }) => output.includes("ready"),
        cleanup: cleanupOfTest(),
      });
      child.signal(signal);
      expect(await child.exited).toEqual({ code: null, signal });
      expect(child.output).toBe("ready\nundone last\nundone first\n");
    },
  );

  test.each([
    ["process.exit(4);", 4],
    ["throw new Error('broken');", 1],
  ])("runs its short form upon %s", async (end, code) => {
    const child = await launch(bun(`${announce} ${end}`), { cleanup: cleanupOfTest() });
    expect((await child.exited).code).toBe(code);
    expect(child.output.match(/^(undone|short) \w+/gm)).toEqual(["short last", "short first"]);
  });
});

describe("packages", () => {
  const policy = "/usr/sbin/policy-rc.d";
  const policyText = () => (existsSync(policy) ? readFileSync(policy, "utf8") : undefined);

  test("what is not there is missing", () => {
    expect(missingPackages(["farsite-no-such-package"])).toEqual(["farsite-no-such-package"]);
  });

  test.skipIf(missingPackages(["dpkg", "libc6"]).length > 0)("what is there costs nothing", async () => {
    const said: string[] = [];
    expect(
      await ensurePackages(["dpkg", "libc6"], { why: "a test", progress: (line) => said.push(line) }),
    ).toEqual([]);
    expect(said).toEqual([]);
  });

  test.skipIf(!isRoot())("no daemon may start while apt runs, and a failure leaves no trace", async () => {
    const cleanup = cleanupOfTest();
    const directory = scratchDirectory(cleanup, "apt");
    // Stands in for apt-get: tells whether daemons may start, then fails as apt-get does.
    const fake = `#!/bin/sh\ncat ${policy} > ${directory}/policy\necho "E: no luck with $*"\nexit 100\n`;
    writeFileSync(join(directory, "apt-get"), fake, { mode: 0o755 });
    const path = process.env.PATH;
    cleanup.add("PATH", () => {
      process.env.PATH = path;
    });
    process.env.PATH = `${directory}:${path}`;
    const before = policyText();
    const said: string[] = [];
    const missing = await ensurePackages(["farsite-no-such-package"], {
      why: "a test",
      progress: (line) => said.push(line),
    });
    expect(missing).toEqual(["farsite-no-such-package"]);
    expect(said[0]).toMatch(/^installing farsite-no-such-package: a test needs them/);
    expect(said.at(-1)).toMatch(/apt-get update failed.*no luck/);
    expect(readFileSync(join(directory, "policy"), "utf8")).toMatch(before ?? /exit 101/);
    expect(policyText()).toBe(before);
  });
});

suite("icinga", noIcinga, () => {
  const cleanup = new Cleanup();
  let site: IcingaSite;
  let daemon: LabProcess;

  beforeAll(async () => {
    const tcpPort = await freePort();
    site = makeIcingaSite({
      name: "acme",
      directory: scratchDirectory(cleanup, "acme"),
      hosts: 24,
      servicesPerHost: 12,
      tcpPort,
    });
    daemon = await startIcinga(site, { cleanup });
    await settled(site);
  });
  afterAll(() => cleanup.run());

  test("answers what was configured, over the socket and over TCP", async () => {
    const configured = site.hosts.flatMap((host) =>
      host.services.map((s) => [
        host.name,
        host.address,
        s.description,
        s.state,
        s.output,
        s.perfData,
        [s.group],
      ]),
    );
    const query =
      "GET services\nColumns: host_name host_address description state plugin_output perf_data groups";
    const byName = (a: unknown[], b: unknown[]) => `${a[0]} ${a[2]}`.localeCompare(`${b[0]} ${b[2]}`);
    configured.sort(byName);
    const { tcpPort = 0 } = site;
    for (const target of [livestatusOf(site), { host: "127.0.0.1", port: tcpPort }]) {
      expect((await rows(target, query)).sort(byName)).toEqual(configured);
    }
    expect(configured).toHaveLength(24 * 12);
  });

  test("has all states, umlauts, performance data, groups and contacts", async () => {
    const states = [0, 1, 2, 3].map((state) => `Stats: state = ${state}`).join("\n");
    expect((await rows(livestatusOf(site), `GET services\n${states}`))[0]).not.toContain(0);
    const [up, down] =
      (await rows(livestatusOf(site), "GET hosts\nStats: state = 0\nStats: state = 1"))[0] ?? [];
    expect([up, down]).toEqual([22, 2]);
    const texts = site.hosts.flatMap((host) => host.services.map((each) => each.output)).join("\n");
    expect(texts).toMatch(/[äöüß]/);
    const contacts = await rows(
      livestatusOf(site),
      "GET hosts\nColumns: contacts\nFilter: name = acme-web-001",
    );
    expect((contacts[0]![0] as string[]).sort()).toEqual(["admin", "web"]);
    expect(
      await rows(livestatusOf(site), "GET hostgroups\nColumns: name\nFilter: members >= acme-db-002"),
    ).toEqual([["db"]]);
  });

  test("a command takes effect", async () => {
    const [host] = site.hosts;
    const now = Math.floor(Date.now() / 1_000);
    const result = `PROCESS_HOST_CHECK_RESULT;${host?.name};1;DOWN - von Hand gefällt|rta=7ms`;
    const query = `GET hosts\nColumns: state plugin_output perf_data\nFilter: name = ${host?.name}`;
    expect((await rows(livestatusOf(site), query))[0]?.[1]).toBe(host?.output);
    expect(await ask(livestatusOf(site), `COMMAND [${now}] ${result}\n\n`, { halfClose: true })).toHaveLength(
      0,
    );
    await expect
      .poll(() => rows(livestatusOf(site), query))
      .toEqual([[1, "DOWN - von Hand gefällt", "rta=7ms"]]);
  });

  test("a kept connection gives each answer to the byte, as does a slow reader", async () => {
    const query = "GET services\nColumns: description plugin_output\nOutputFormat: json\n";
    const plain = await ask(livestatusOf(site), `${query}\n`, { halfClose: true });
    expect(JSON.parse(plain.toString())).toHaveLength(24 * 12);
    expect(await ask(livestatusOf(site), `${query}\n`, { slow: { bytes: 8_192, pauseMs: 5 } })).toEqual(
      plain,
    );

    const kept = new LivestatusConnection(livestatusOf(site));
    onTestFinished(() => kept.close());
    const asked = `${query}ResponseHeader: fixed16\nKeepAlive: on\n\n`;
    kept.send(asked + asked); // pipelined
    expect(await kept.response()).toEqual({ code: 200, body: plain });
    expect(await kept.response()).toEqual({ code: 200, body: plain });
    kept.send("GET nosuch\nResponseHeader: fixed16\nKeepAlive: on\n\n");
    expect((await kept.response()).code).toBe(404);
  });

  test("an answer that does not come is an error that says so", async () => {
    const unfinished = ask(livestatusOf(site), "GET hosts\n", { timeoutMs: 100 });
    await expect(unfinished).rejects.toThrow("no the end of the stream in 100 ms; 0 bytes came");
    await expect(ask({ unix: join(site.directory, "nothing") }, "\n")).rejects.toThrow(/ENOENT/);
  });

  test.skipIf(!isRoot())("also runs without root, and beside another site", async () => {
    const own = cleanupOfTest();
    const directory = scratchDirectory(own, "globex");
    const config = JSON.stringify({
      name: "globex",
      directory: join(directory, "site"),
      hosts: 2,
      servicesPerHost: 3,
    });
    const script = `
      const { makeIcingaSite, settled, startIcinga } = await import(${lab("icinga.ts")});
      const { Cleanup } = await import(${lab("cleanup.ts")});
      const site = makeIcingaSite(${config});
      await startIcinga(site, { cleanup: new Cleanup() });
      await settled(site);
      console.log("settled");`;
    mkdirSync(join(directory, "site"), { mode: 0o777 });
    expect(attempt(["chown", "nobody:nogroup", join(directory, "site")]).ok).toBe(true);
    const [uid, gid] = ["-u", "-g"].map((what) => Number(attempt(["id", what, "nobody"]).stdout));
    const parent = await launch(bun(script), {
      user: { uid: uid ?? 0, gid: gid ?? 0 },
      onParentDeath: "TERM",
      cwd: directory,
      ready: ({ output }) => output.includes("settled"),
      readyWithinMs: 30_000,
      cleanup: own,
    });
    const socket = { unix: join(directory, "site", "run", "live") };
    const names = (await rows(socket, "GET hosts\nColumns: name")).map(([name]) => name).sort();
    expect(names).toEqual(["globex-db-002", "globex-web-001"]);
    const tree = treeOf(parent.pid ?? 0);
    expect(tree.length).toBeGreaterThan(2);
    expect((await parent.stop()).signal).toBe("SIGTERM");
    expect(tree.filter(isAlive)).toEqual([]);
  });

  test("stopping leaves no process", async () => {
    const tree = treeOf(daemon.pid ?? 0);
    expect(tree.length).toBeGreaterThan(1);
    await daemon.stop();
    await waitFor("the daemon's processes to end", () => !tree.some(isAlive), { withinMs: 5_000 });
    expect(attempt(["pgrep", "-f", site.directory]).stdout).toBe("");
  });
});

suite("network", noNetwork, () => {
  const cleanup = new Cleanup();
  let network: Network;

  beforeAll(() => {
    network = createNetwork({ tenants: ["acme", "globex", "initech"], cleanup });
  });
  afterAll(() => cleanup.run());

  const wrong = (isolation: { results: readonly { check: string; want: string; got: string }[] }) =>
    isolation.results.filter((each) => each.got !== each.want).map((each) => `${each.check}: ${each.got}`);

  test("customers have the same addresses and reach the hub on port 443 only", async () => {
    for (const tenant of network.tenants) {
      expect(network.command(tenant, ["ip", "-4", "-brief", "addr"])).toContain(`${CUSTOMER_ADDRESS}/24`);
    }
    const isolation = await onlyTunnelOut(network, "acme");
    expect(wrong(isolation)).toEqual([]);
    expect(isolation.isolated).toBe(true);
    expect(await connects(network, "acme", HUB_ADDRESS, 443)).toBe(false); // nothing listens any more
  });

  test("nothing reaches a customer from outside", async () => {
    const isolation = await inboundBlocked(network, "acme");
    expect(wrong(isolation)).toEqual([]);
    expect(isolation.isolated).toBe(true);
    expect(isolation.results.filter((each) => each.want === "dropped").length).toBeGreaterThan(20);
  });

  test("nothing reaches a customer from another", async () => {
    for (const [a, b] of [
      ["acme", "globex"],
      ["globex", "acme"],
    ] as const) {
      const isolation = await crossTenantBlocked(network, a, b);
      expect(wrong(isolation)).toEqual([]);
      expect(isolation.isolated).toBe(true);
    }
  });

  test("one wrong rule in a firewall is found", async () => {
    const hole = "insert rule inet firewall forward tcp dport 443 accept";
    network.command(firewallOf("initech"), ["nft", hole]);
    const inbound = await inboundBlocked(network, "initech");
    expect(inbound.isolated).toBe(false);
    expect(wrong(inbound)).toEqual([
      `hub to ${CUSTOMER_ADDRESS}:443: open`,
      `internet to ${CUSTOMER_ADDRESS}:443: open`,
    ]);
    const cross = await crossTenantBlocked(network, "acme", "initech");
    expect(cross.isolated).toBe(false);
    expect(wrong(cross)).toEqual(["acme to 10.0.0.20:443: open"]);
  });

  test("a firewall without rules is found", async () => {
    network.command(firewallOf("initech"), ["nft", "delete table inet firewall"]);
    const inbound = await inboundBlocked(network, "initech");
    expect(inbound.isolated).toBe(false);
    const tried = inbound.results.filter((each) => !each.control);
    expect(tried.map((each) => each.got)).toEqual(tried.map(() => "open"));
    expect((await onlyTunnelOut(network, "initech")).isolated).toBe(false);
  });

  test("silence for another reason than the firewall is an error, not isolation", async () => {
    network.ip("globex", ["link set eth0 down"]);
    await expect(inboundBlocked(network, "globex")).rejects.toThrow(ControlFailed);
    network.ip("globex", ["link set eth0 up", "route add default via 10.0.0.1"]);
    network.ip("internet", [`route add blackhole ${HUB_ADDRESS}/32`]);
    await expect(onlyTunnelOut(network, "globex")).rejects.toThrow(ControlFailed);
    network.ip("internet", [`route del blackhole ${HUB_ADDRESS}/32`]);
    expect((await inboundBlocked(network, "globex")).isolated).toBe(true);
  });

  test("removing the network kills what runs in it and leaves nothing", async () => {
    const inside = await launch(["sleep", "1000"], { netns: network.namespace("acme"), cleanup });
    await waitFor("the process to be inside", () => treeOf(inside.pid ?? 0).length === 1, {
      withinMs: 5_000,
    });
    const names = () => attempt(["ip", "netns", "list"]).stdout;
    await waitFor(
      "the namespace to be entered",
      () => attempt(["ip", "netns", "pids", network.namespace("acme")]).stdout.trim() === String(inside.pid),
      { withinMs: 5_000 },
    );
    expect(names()).toContain(network.namespace("acme"));
    network.remove();
    expect((await inside.exited).signal).toBe("SIGKILL");
    expect(names()).not.toContain(network.prefix);
    network.remove();
  });

  test("what a killed run left behind is removed by the next", async () => {
    const script = `
      const { createNetwork } = await import(${lab("network.ts")});
      console.log("made " + createNetwork({ tenants: ["left"] }).prefix);
      setInterval(() => {}, 1000);`;
    const killed = await launch(bun(script), { ready: ({ output }) => output.includes("made ") });
    const prefix = /made (\S+)/.exec(killed.output)?.[1] ?? "";
    killed.signal("SIGKILL");
    await killed.exited;
    const names = () => attempt(["ip", "netns", "list"]).stdout;
    expect(names()).toContain(`${prefix}-left-firewall`);
    createNetwork({ tenants: [], cleanup: cleanupOfTest() });
    expect(names()).not.toContain(`${prefix}-`);
  });
});

/** A TCP port nobody listens on: given by the kernel, then freed. */
async function freePort(): Promise<number> {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}
