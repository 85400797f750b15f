/** The hub's Livestatus before a real core, with what is known of the site in the test's hands. */

import { once } from "node:events";
import { connect, type TcpNetConnectOpts } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { dialTarget, Services } from "../../../agent/service/index.ts";
import { systemClock } from "../../../common/clock.ts";
import { type Policy, policyKeys, policyOf } from "../../../common/livestatus/index.ts";
import { MemoryLog } from "../../../common/log.ts";
import { INTERACTIVE } from "../../../common/mux/index.ts";
import { Endpoint } from "../../../hub/endpoint/endpoint.ts";
import { Livestatus } from "../../../hub/livestatus/index.ts";
import { FarsiteLab, freePort } from "../../lab/farsite.ts";
import { ICINGA_PACKAGES, type IcingaSite, makeIcingaSite, settled, startIcinga } from "../../lab/icinga.ts";
import { LivestatusConnection, rows, type Target } from "../../lab/livestatus.ts";
import { obstacleTo } from "../../lab/obstacle.ts";
import type { LabProcess } from "../../lab/process.ts";
import { treeOf } from "../../lab/process-tree.ts";
import { muxPair } from "../../unit/mux/rig.ts";
import { converse, visit } from "./client.ts";
import { connectionsAt } from "./sockets.ts";

const FIXED = "ResponseHeader: fixed16\n";
const KEPT = `KeepAlive: on\n${FIXED}`;
const PROBE = `GET status\nCache: reload\nColumns: livestatus_version program_version program_start num_hosts\n${KEPT}\n`;
/** Takes the core some time. */
const LARGE =
  "GET services\nColumns: host_name description plugin_output perf_data\nFilter: description ~ .*a.*e.*\n";
const CHANNELS = 3;
const SITE = { id: 1, tenant: "acme", name: "main" };
const OPEN = policyOf(z.strictObject(policyKeys).parse({}));

/** Hub and agent in this process, between them a tunnel in memory; sockets at both ends. */
class Stand {
  readonly facts: { unreachable: string | undefined; generation: string | undefined } = {
    unreachable: undefined,
    generation: undefined,
  };
  readonly log = new MemoryLog();
  readonly livestatus: Livestatus;
  readonly target: Target;
  readonly #endpoint: Endpoint;

  private constructor(
    core: string,
    port: number,
    policy: { hub?: Partial<Policy>; agent?: Partial<Policy> },
  ) {
    const services = new Services({
      targets: new Map([["livestatus", { path: core }]]),
      dial: dialTarget,
      clock: systemClock,
      connectTimeout: 10_000,
      log: this.log,
      livestatus: policy.agent && { ...OPEN, ...policy.agent },
    });
    const { hub } = muxPair({ agent: { accept: (tap) => services.accept(tap.stream) } });
    const open = () => hub.mux.open("livestatus", INTERACTIVE, true);
    this.livestatus = new Livestatus({
      limits: {
        channels: CHANNELS,
        channelTimeout: 30_000,
        queryTimeout: 60_000,
        requestTimeout: 10_000,
        idleTimeout: 60_000,
        clients: 100,
      },
      policy: () => ({ ...OPEN, ...policy.hub }),
      cache: { entries: 100, bytes: 1 << 20 },
      clock: systemClock,
      log: this.log,
      open,
      unreachable: () => this.facts.unreachable,
      generation: () => this.facts.generation,
      refused: () => {},
    });
    this.target = { host: "127.0.0.1", port };
    this.#endpoint = new Endpoint({
      address: { host: "127.0.0.1", port },
      clock: systemClock,
      open,
      serve: (socket, done) => this.livestatus.serve(SITE, socket, done),
      failed: (reason) => this.log.error(reason),
    });
  }

  static async open(
    lab: FarsiteLab,
    core: string,
    policy: { hub?: Partial<Policy>; agent?: Partial<Policy> } = {},
  ) {
    const stand = new Stand(core, await freePort(), policy);
    lab.cleanup.add("close an endpoint", () => stand.#endpoint.close());
    return stand;
  }

  connect(): LivestatusConnection {
    return new LivestatusConnection(this.target, { timeoutMs: 30_000 });
  }
}

const obstacle = await obstacleTo("the hub's Livestatus", ICINGA_PACKAGES);

describe.skipIf(obstacle !== undefined)("the hub's Livestatus before Icinga 2", () => {
  let lab: FarsiteLab;
  let site: IcingaSite;
  let core: Target;
  let daemon: LabProcess;

  beforeAll(async () => {
    lab = new FarsiteLab();
    site = makeIcingaSite({
      name: "acme",
      directory: join(lab.folder, "core"),
      hosts: 100,
      servicesPerHost: 10,
    });
    core = { unix: site.socket };
    daemon = await startIcinga(site, { cleanup: lab.cleanup });
    await settled(site);
  });
  afterAll(() => lab.end());

  function signal(name: "SIGSTOP" | "SIGCONT"): void {
    for (const { pid } of treeOf(daemon.pid ?? 0)) process.kill(pid, name);
  }

  async function accepted(): Promise<number> {
    return Number((await rows(core, "GET status\nColumns: connections"))[0]?.[0]);
  }

  test("a core that hangs keeps nobody waiting once that is known, and is asked again when it is back", async () => {
    const stand = await Stand.open(lab, site.socket);
    signal("SIGSTOP");
    try {
      // a page of ten sites' worth: some with the core, some before a channel
      const waiting = Array.from({ length: 30 }, () =>
        visit(stand.target).send(`GET hosts\nColumns: name\n${FIXED}\n`),
      );
      await expect.poll(() => stand.livestatus.state(SITE)).toMatchObject({ busy: CHANNELS, waiting: 27 });
      expect(waiting.every((client) => client.received === 0)).toBe(true);
      stand.facts.unreachable = "the core does not answer";
      stand.livestatus.changed(SITE.id);
      const said = await Promise.all(waiting.map((client) => client.outcome));
      expect(new Set(said.map(({ bytes, ending }) => `${ending} ${bytes}`))).toEqual(
        new Set(["closed 502          25\nthe core does not answer\n"]),
      );
      // from now on at once
      const later = await converse(stand.target, `GET hosts\n${FIXED}\n`);
      expect(later.bytes.toString()).toContain("the core does not answer");
      expect((await converse(stand.target, "GET hosts\n\n")).ending).toBe("ECONNRESET");
    } finally {
      signal("SIGCONT");
    }
    stand.facts.unreachable = undefined;
    expect(await rows(stand.target, "GET hosts\nColumns: name")).toHaveLength(100);
    await expect.poll(() => connectionsAt(site.socket)).toBe(0);
  });

  test("no more than the channels ever reach the core, and every client is answered", async () => {
    const stand = await Stand.open(lab, site.socket);
    let most = 0;
    let done = false;
    const watching = (async () => {
      while (!done) {
        most = Math.max(most, connectionsAt(site.socket));
        await delay(1);
      }
    })();
    const all = await Promise.all(
      Array.from({ length: 60 }, () => converse(stand.target, `${LARGE}${FIXED}\n`)),
    );
    done = true;
    await watching;
    expect(new Set(all.map(({ bytes }) => bytes.length)).size).toBe(1);
    expect(all[0]?.bytes.toString("latin1", 0, 3)).toBe("200");
    expect(most).toBeLessThanOrEqual(CHANNELS);
    expect(most).toBeGreaterThan(0);
  });

  test("who comes from another address has a turn before all who wait", async () => {
    const stand = await Stand.open(lab, site.socket);
    let answered = 0;
    const many = Array.from({ length: 60 }, async () => {
      await converse(stand.target, `${LARGE}${FIXED}\n`);
      answered++;
    });
    await expect.poll(() => stand.livestatus.state(SITE)?.waiting).toBeGreaterThan(30);
    const other = connect({ ...stand.target, localAddress: "127.0.0.2" } as TcpNetConnectOpts);
    other.write(`${LARGE}${FIXED}\n`);
    const [chunk] = (await once(other, "data")) as [Buffer];
    other.destroy();
    expect(chunk.toString("latin1", 0, 3)).toBe("200");
    expect(answered).toBeLessThan(45);
    await Promise.all(many);
  });

  test("the question of every page is asked once, until the core has reloaded", async () => {
    const stand = await Stand.open(lab, site.socket);
    stand.facts.generation = "first";
    const before = await accepted();
    const clients = Array.from({ length: 20 }, () => stand.connect());
    const answers: string[] = [];
    for (let round = 0; round < 3; round++) {
      const got = clients.map((client) => {
        client.send(PROBE);
        return client.response();
      });
      for (const { code, body } of await Promise.all(got)) answers.push(`${code} ${body}`);
    }
    expect(answers).toHaveLength(60);
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^200 .*;100\n$/);
    // one, and that of this question
    expect((await accepted()) - before).toBe(1 + 1);
    expect(stand.livestatus.state(SITE)).toMatchObject({ cacheHits: 59, cacheMisses: 1 });
    stand.facts.generation = "second";
    clients[0]?.send(PROBE);
    expect(`${(await clients[0]?.response())?.body}`).toBe(answers[0]?.slice(4));
    expect((await accepted()) - before).toBe(1 + 1 + 1 + 1);
    for (const client of clients) client.close();
  });

  test("what is kept is what the core would say, to the byte", async () => {
    const stand = await Stand.open(lab, site.socket);
    stand.facts.generation = "first";
    for (const query of [
      `GET status\nColumns: program_version program_start num_hosts num_services\n${FIXED}\n`,
      `GET hosts\nColumns: name alias\nFilter: name ~ 00\nOutputFormat: json\n${FIXED}\n`,
      `GET hostgroups\nColumns: name alias\nColumnHeaders: on\nAuthUser: admin\n${FIXED}\n`,
      `GET servicegroups\nCache: reload\nColumns: name\nSeparators: 10 59 44 124\n${FIXED}\n`,
    ]) {
      const direct = await converse(core, query.replace("Cache: reload\n", ""));
      for (let round = 0; round < 2; round++) expect(await converse(stand.target, query)).toEqual(direct);
    }
    expect(stand.livestatus.state(SITE)).toMatchObject({ cacheHits: 4, cacheMisses: 4 });
  });

  describe.each([
    ["the hub", { hub: { commands: ["ADD_HOST_COMMENT"], tables: ["hosts", "comments"] } }],
    ["the agent", { agent: { commands: ["ADD_HOST_COMMENT"], tables: ["hosts", "comments"] } }],
  ])("where %s allows little", (who, policy) => {
    let stand: Stand;
    beforeAll(async () => {
      stand = await Stand.open(lab, site.socket, policy);
    });
    const now = Math.floor(Date.now() / 1_000);
    const host = () => site.hosts[0]?.name;
    const comments = async (text: string) =>
      (await rows(core, `GET comments\nColumns: id\nFilter: comment = ${text}`)).length;

    test("a command that is allowed takes effect, and the query behind it sees that", async () => {
      const client = stand.connect();
      const text = `allowed by ${who}`;
      client.send(
        `COMMAND [${now}] ADD_HOST_COMMENT;${host()};1;admin;${text}\n\nGET comments\nColumns: comment\nFilter: comment = ${text}\n${KEPT}\n`,
      );
      expect(await client.response()).toEqual({ code: 200, body: Buffer.from(`${text}\n`) });
      client.close();
    });

    test("one that is not, does not, and ends the connection", async () => {
      const text = `smuggled past ${who}`;
      const other = `COMMAND [${now}] ADD_SVC_COMMENT;${host()};CPU load;1;admin;${text}\n\n`;
      const hidden = `GET hosts\nColumns: name\n${KEPT} \nCOMMAND [${now}] ADD_SVC_COMMENT;${host()};CPU load;1;admin;${text}\n\n`;
      expect((await converse(stand.target, other)).ending).toBe("ECONNRESET");
      await converse(stand.target, hidden);
      // the core has taken later ones by now
      expect(await rows(core, "GET hosts\nColumns: name")).toHaveLength(100);
      expect(await comments(text)).toBe(0);
    });

    test("a table that is not open is refused with a reason, others are answered", async () => {
      const { bytes } = await converse(stand.target, `GET services\n${FIXED}\n`);
      expect(bytes.toString()).toBe("403          47\nthe table services is not open to queries here\n");
      expect(await rows(stand.target, "GET hosts\nColumns: name")).toHaveLength(100);
    });
  });
});
