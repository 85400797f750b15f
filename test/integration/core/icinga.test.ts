import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { CoreWatch, listensAt, secure } from "../../../agent/core/index.ts";
import { dialTarget, type Target } from "../../../agent/service/index.ts";
import { systemClock } from "../../../common/clock.ts";
import { type CoreReport, generationOf } from "../../../common/core.ts";
import { silentLog } from "../../../common/log.ts";
import { systemRandom } from "../../../common/random.ts";
import { makeAuthority } from "../../e2e/certificates.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { freePort, until } from "../../lab/farsite.ts";
import { ICINGA_PACKAGES, type IcingaSite, makeIcingaSite, startIcinga } from "../../lab/icinga.ts";
import { LivestatusConnection, rows } from "../../lab/livestatus.ts";
import { obstacleTo } from "../../lab/obstacle.ts";
import type { LabProcess } from "../../lab/process.ts";

/** A watch at a target, and all that it told. */
class Watching {
  readonly told: CoreReport[] = [];
  readonly watch: CoreWatch;

  constructor(target: Target) {
    this.watch = new CoreWatch({
      service: "livestatus",
      target,
      dial: dialTarget,
      secure,
      listening: listensAt,
      received: () => 0,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      interval: 1_000,
      timeout: 400,
      changed: () => void this.told.push(this.watch.report as CoreReport),
    });
    this.watch.start();
    onTestFinished(() => this.watch.stop());
  }

  /** What it found, in order: `online` or why not. */
  get found(): string[] {
    return this.told.map((report) => (report.state === "online" ? report.state : report.cause));
  }

  finds(...expected: string[]): Promise<void> {
    return until(expected.join(", "), () => {
      if (expected.every((what, n) => this.found[n] === what)) return true;
      throw new Error(`found ${JSON.stringify(this.told)}`);
    });
  }
}

const obstacle = await obstacleTo("the state of Icinga 2", ICINGA_PACKAGES);

describe.skipIf(obstacle !== undefined)("the state of Icinga 2", () => {
  const cleanup = new Cleanup();
  let site: IcingaSite;
  let daemon: LabProcess;

  beforeAll(async () => {
    const directory = scratchDirectory(cleanup, "core");
    const tcpPort = await freePort();
    site = makeIcingaSite({ name: "core", directory, hosts: 3, servicesPerHost: 2, tcpPort });
    daemon = await startIcinga(site, { cleanup });
  });
  afterAll(() => cleanup.run());

  /** The process that does everything; the daemon's first one only looks after it. */
  async function worker(): Promise<number> {
    return Number((await rows({ unix: site.socket }, "GET status\nColumns: nagios_pid"))[0]?.[0]);
  }

  const targets: [string, () => Target][] = [
    ["its Unix socket", () => ({ path: site.socket })],
    ["its TCP port", () => ({ host: "127.0.0.1", port: site.tcpPort as number })],
  ];

  test.each(targets)("is what it says of itself, at %s", async (_, target) => {
    const { told, ...its } = new Watching(target());
    await until("an answer", () => told.length > 0);
    expect(told[0]).toMatchObject({
      state: "online",
      core: { pid: await worker(), hosts: 3, services: 6, program: expect.stringMatching(/icinga2$/) },
    });
    const [row] = await rows({ unix: site.socket }, "GET status\nColumns: program_start livestatus_version");
    expect(its.watch.report).toMatchObject({ core: { started: row?.[0], livestatus: row?.[1] } });
  });

  test.each(targets)("hung is told from stopped, and a restart from none, at %s", async (_, target) => {
    const its = new Watching(target());
    await its.finds("online");
    const pid = await worker();
    process.kill(pid, "SIGSTOP");
    try {
      await its.finds("online", "hung");
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await its.finds("online", "hung", "online");
    await daemon.stop();
    await its.finds("online", "hung", "online", "stopped");
    daemon = await startIcinga(site, { cleanup });
    await its.finds("online", "hung", "online", "stopped", "online");
    const generations = its.told.flatMap((each) => (each.state === "online" ? generationOf(each.core) : []));
    expect([generations[0] === generations[1], generations[1] === generations[2]]).toEqual([true, false]);
  });

  test("a reload is another generation", async () => {
    const its = new Watching({ path: site.socket });
    await its.finds("online");
    const before = await worker();
    daemon.signal("SIGHUP");
    await until("a new worker", async () => (await worker()) !== before);
    await until("the next generation", () => its.told.length > 1 && its.found.at(-1) === "online");
    expect(its.told.at(-1)).toMatchObject({ core: { pid: await worker() } });
  });

  test("is seen through TLS, too, whoever vouches for the certificate, and when it stops behind that", async () => {
    const folder = scratchDirectory(cleanup, "tls");
    const { certificate, key } = await (await makeAuthority(folder)).issue("core", {
      host: "elsewhere.example",
    });
    const live: Socket[] = [];
    // what stunnel does for a site: TLS in front of the Unix socket
    const front = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (client) => {
      const behind = createConnection({ path: site.socket });
      live.push(client, behind);
      behind.on("error", () => client.destroy());
      client.on("error", () => behind.destroy());
      client.pipe(behind).pipe(client);
    });
    front.on("tlsClientError", () => {});
    front.listen(0, "127.0.0.1");
    await once(front, "listening");
    onTestFinished(() => {
      for (const socket of live) socket.destroy();
      front.close();
    });
    const its = new Watching({ host: "127.0.0.1", port: (front.address() as AddressInfo).port });
    await its.finds("online");
    expect(its.told[0]).toMatchObject({ core: { pid: await worker(), hosts: 3 } });
    await daemon.stop();
    await its.finds("online", "stopped");
    daemon = await startIcinga(site, { cleanup });
    await its.finds("online", "stopped", "online");
  });

  test("one whose few connections are all taken does not answer, and recovers when they are given back", async () => {
    const its = new Watching({ path: site.socket });
    await its.finds("online");
    const held: LivestatusConnection[] = [];
    onTestFinished(() => held.forEach((connection) => void connection.close()));
    while (its.found.length === 1) {
      const connection = new LivestatusConnection({ unix: site.socket });
      held.push(connection);
      connection.send("GET status\nColumns: program_start\nKeepAlive: on\nResponseHeader: fixed16\n\n");
      // those that the core has no connection for get no answer
      await Promise.race([connection.response().catch(() => {}), systemWait(100)]);
    }
    expect(its.found).toEqual(["online", "hung"]);
    for (const connection of held.splice(0)) connection.close();
    await its.finds("online", "hung", "online");
  });
});

function systemWait(ms: number): Promise<void> {
  return new Promise((done) => void setTimeout(done, ms));
}

/** Whether there was room for one more connection. */
function joinsQueue(path: string, queued: Socket[]): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection({ path });
    socket.once("connect", () => done(queued.push(socket) > 0)).once("error", () => done(false));
  });
}

describe("a Unix socket", () => {
  const cleanup = new Cleanup();
  afterAll(() => cleanup.run());

  test("whose queue is full because nobody takes what is in it hangs; without a listener it is stopped", async () => {
    const path = join(scratchDirectory(cleanup, "queue"), "live");
    // a process of its own, which never gets to taking connections
    const source = `
      require("node:net").createServer().listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => {
        console.log("listening");
        setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 0);
      });`;
    const child = Bun.spawn([process.execPath, "-e", source], { stdout: "pipe" });
    cleanup.add("end the deaf listener", () => child.kill("SIGKILL"));
    await child.stdout.getReader().read();
    expect(listensAt(path)).toBe(true);
    const its = new Watching({ path });
    await its.finds("hung");
    const queued: Socket[] = [];
    onTestFinished(() => queued.forEach((socket) => void socket.destroy()));
    while (await joinsQueue(path, queued));
    // one that asks for the first time finds the same, although its connection is refused
    const late = new Watching({ path });
    await late.finds("hung");
    expect(late.told[0]).toMatchObject({ reason: "[Errno 11] Resource temporarily unavailable" });
    child.kill("SIGKILL");
    await child.exited;
    expect(listensAt(path)).toBe(false);
    for (const each of [its, late]) await each.finds("hung", "stopped");
  });
});
