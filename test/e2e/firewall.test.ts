/**
 * What docs/firewall.md promises, seen from the outside: over everything that an agent does in its life, nothing leaves
 * the customer's host but TCP to port 443 of the hub and questions to its resolver, and nobody begins anything inward.
 */

import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Told } from "../../agent/command/checkup.ts";
import { writeNotification } from "../chaos/spool/notification.ts";
import { CAPTURE_PACKAGES, Capture } from "../lab/capture.ts";
import { attempt } from "../lab/command.ts";
import { FarsiteLab, PATIENCE, type TestAgent, type TestHub, until } from "../lab/farsite.ts";
import { ICINGA_PACKAGES, makeIcingaSite, startIcinga } from "../lab/icinga.ts";
import { connects } from "../lab/isolation.ts";
import { rows } from "../lab/livestatus.ts";
import {
  CUSTOMER_ADDRESS,
  CUSTOMER_GATEWAY,
  createNetwork,
  firewallOf,
  HUB_ADDRESS,
  NETWORK_PACKAGES,
  type Network,
} from "../lab/network.ts";
import { namespaceObstacle, obstacleTo } from "../lab/obstacle.ts";
import { launch } from "../lab/process.ts";
import { RESOLVER_PACKAGES, startResolver } from "../lab/resolver.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const obstacle = await obstacleTo(
  "what crosses the firewall",
  [...NETWORK_PACKAGES, ...ICINGA_PACKAGES, ...CAPTURE_PACKAGES, ...RESOLVER_PACKAGES],
  namespaceObstacle,
);

const SITE = "acme/main";
const HUB_NAME = "hub.example";
/** Bytes of a config sync. */
const SYNC_BYTES = 3_000_000;
/** Where the agent listens for the central side's line. */
const LINE_PORT = 16_555;

/** The filters of docs/firewall.md; what the host needs to find its gateway (ARP, ICMPv6) is not the agent's. */
const TO_HUB = `tcp and host ${HUB_ADDRESS} and port 443`;
const TO_RESOLVER = `udp port 53 and host ${CUSTOMER_GATEWAY}`;
const NEIGHBOURS = "arp or ip6 protochain 58";
const ALL_ELSE = `not (${NEIGHBOURS}) and not (${TO_HUB}) and not (${TO_RESOLVER})`;
const BEGUN_INWARD = `dst host ${CUSTOMER_ADDRESS} and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn`;

/** Linux chooses ports from here on (net.ipv4.ip_local_port_range). */
const FIRST_CHOSEN = 32_768;

/** The resolver is on the customer's firewall, for the inside only. */
const RESOLVER_OPEN = 'insert rule inet firewall input iifname "lan" udp dport 53 accept\n';

describe.skipIf(obstacle !== undefined)("a day of an agent, in miniature", () => {
  let network: Network;
  let hub: TestHub;
  let agent: TestAgent;
  let inside: Capture;
  let outside: Capture;
  const folder = (name: string): string => {
    const path = join(lab.folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const spool = folder("site/spool");
  const done: string[] = [];

  /** Where the agent runs. */
  const within = () => ({ through: network.exec("acme", []) });

  async function query(): Promise<void> {
    const { socket } = await hub.endpoint(SITE, "livestatus");
    await until("an answer", async () => {
      const found = await rows({ unix: socket }, "GET hosts\nColumns: name");
      return found.length === 2;
    });
  }

  async function sync(url: string): Promise<void> {
    const { socket } = await hub.endpoint(SITE, "http");
    const body = new Uint8Array(SYNC_BYTES).fill(7);
    const answer = await fetch(`http://site/${url}`, { unix: socket, method: "POST", body });
    expect(await answer.text()).toBe(String(SYNC_BYTES));
  }

  /** One after the other, each waited for. */
  const day: Record<string, () => Promise<void>> = {
    "enrolment, by the hub's name": async () => {
      const { token } = await hub.addSite(SITE);
      const enrolled = await agent.enroll(token, within());
      expect(enrolled, enrolled.stderr).toMatchObject({ code: 0 });
    },
    connection: async () => {
      await agent.start({ netns: network.namespace("acme") });
      await hub.reaches(SITE, "connected");
    },
    "queries, and a command": async () => {
      await until("the core to be seen", async () => (await hub.site(SITE)).livestatus.state === "online");
      await query();
    },
    "a config sync": () => sync("main/check_mk/automation.py?command=receive-config-sync"),
    "a notification": async () => {
      writeNotification(spool, 1);
      await until("it to land", () => readdirSync(folder("central/spool")).length === 1);
    },
    "status dumps": () => until("a dump to land", () => readdirSync(folder("central/results")).length > 0),
    "a line of the central side": async () => {
      const through = "exec 3<>/dev/tcp/127.0.0.1/16555; echo hello >&3; read -r answer <&3; echo $answer";
      const talk = () =>
        network.attempt("acme", ["timeout", "5", "bash", "-c", through]).stdout === "hello\n";
      await until("the line to answer", talk);
    },
    "another carrier": async () => {
      const before = agent.process.output.split("carrier replaced").length;
      await until("it", () => agent.process.output.split("carrier replaced").length > before);
    },
    "a restart of the hub": async () => {
      await hub.stop();
      writeNotification(spool, 2);
      await hub.start({ netns: network.namespace("hub") });
      await hub.reaches(SITE, "connected");
      await until("what waited to land", () => readdirSync(folder("central/spool")).length === 2);
    },
    "the doctor": async () => {
      const { stdout } = await agent.call(["doctor", "--json"], within());
      const found: Told[] = JSON.parse(stdout).findings;
      const way = found.filter(({ hub }) => hub !== undefined);
      expect(way.map(({ step }) => step)).toEqual(expect.arrayContaining(["name", "tls", "throughput"]));
      expect(way.filter(({ state }) => state === "problem")).toEqual([]);
    },
    "the other carrier, plain requests": async () => {
      await agent.stop();
      agent.write(settings("https"));
      await agent.start({ netns: network.namespace("acme") });
      await until("it to carry", async () => (await hub.site(SITE)).carrier === "https");
      await query();
      await sync("main/");
    },
    revocation: async () => {
      await hub.ok("site", "revoke", SITE);
      await agent.complains("E_KEY_REVOKED");
      await agent.stop();
    },
  };

  const live = () => join(lab.folder, "icinga/run/live");
  const web = join(lab.folder, "web");
  const settings = (kind: "auto" | "https") => ({
    services: { livestatus: `unix:${live()}`, http: `unix:${web}` },
    listen: { notify: `tcp:127.0.0.1:${LINE_PORT}` },
    notifications: { spool },
    dumps: { livestatus: `unix:${live()}`, interval_seconds: 1 },
    carrier: { kind, max_age_seconds: 3 },
  });

  beforeAll(async () => {
    network = createNetwork({ tenants: ["acme"], cleanup: lab.cleanup });
    const firewall = firewallOf("acme");
    network.command(firewall, ["nft", "-f", "-"], RESOLVER_OPEN);
    const site = makeIcingaSite({
      name: "remote",
      directory: folder("icinga"),
      hosts: 2,
      servicesPerHost: 1,
    });
    const server = Bun.serve({
      unix: web,
      fetch: async (request) => new Response(String((await request.arrayBuffer()).byteLength)),
    });
    lab.cleanup.add("stop the site's web server", () => server.stop(true));
    await Promise.all([
      startIcinga(site, { netns: network.namespace("acme"), cleanup: lab.cleanup }),
      startResolver(network, {
        at: firewall,
        address: CUSTOMER_GATEWAY,
        for: "acme",
        names: { [HUB_NAME]: HUB_ADDRESS },
        cleanup: lab.cleanup,
      }),
      launch(["socat", "TCP-LISTEN:6555,bind=127.0.0.1,fork,reuseaddr", "EXEC:cat"], {
        label: "central spooler",
        netns: network.namespace("hub"),
        cleanup: lab.cleanup,
      }),
    ]);
    const place = { folder: lab.folder, cleanup: lab.cleanup };
    inside = await Capture.start(network, "acme", "eth0", place);
    outside = await Capture.start(network, firewall, "wan", place);
    hub = await lab.makeHub({
      url: `wss://${HUB_NAME}`,
      listen: { address: HUB_ADDRESS, port: 443 },
      limits: { return_seconds: 0 },
      central: { notify: { target: "tcp:127.0.0.1:6555", sites: ["*"] } },
      notifications: { sinks: { spool: { kind: "spool", folder: folder("central/spool") } } },
      dumps: {
        host_prefix: { acme: "acme-" },
        sinks: { results: { kind: "check-results", folder: folder("central/results") } },
      },
    });
    await hub.start({ netns: network.namespace("hub") });
    agent = lab.makeAgent(settings("auto"));
  }, PATIENCE * 2);

  test.each(Object.entries(day))("%s", async (name, act) => {
    await act();
    done.push(name);
  });

  test("nothing left but TCP to the hub's port 443 and DNS, and nothing came in; what would have is seen", async () => {
    expect(done).toEqual(Object.keys(day));
    // controls: packets as an agent must not send, and must not be sent
    const control = (to: string, words: string[]) => attempt(network.exec(to, words));
    control("acme", ["bash", "-c", `echo x > /dev/udp/${HUB_ADDRESS}/514`]);
    await connects(network, "acme", HUB_ADDRESS, 8443);
    await connects(network, firewallOf("acme"), CUSTOMER_ADDRESS, 6556);
    await until("the controls to be seen", () => inside.packets(BEGUN_INWARD).length > 0);

    const kinds = (lines: string[]) => [...new Set(lines.map(kindOf))].sort();
    expect(kinds(inside.packets(ALL_ELSE))).toEqual([
      `${CUSTOMER_GATEWAY} > ${CUSTOMER_ADDRESS}.6556`,
      `${CUSTOMER_ADDRESS} > ${CUSTOMER_GATEWAY}.*`,
      `${CUSTOMER_ADDRESS} > ${HUB_ADDRESS}.514`,
      `${CUSTOMER_ADDRESS} > ${HUB_ADDRESS}.8443`,
    ]);
    expect(kinds(inside.packets(BEGUN_INWARD))).toEqual([`${CUSTOMER_GATEWAY} > ${CUSTOMER_ADDRESS}.6556`]);
    // behind the firewall, whose rule it is, there is not even that
    expect(outside.packets(`not (${NEIGHBOURS}) and not (${TO_HUB})`)).toEqual([]);
    // and it was seen: names resolved, connections begun outward only
    expect(inside.packets(TO_RESOLVER).length).toBeGreaterThan(0);
    const begun = inside.packets(`${TO_HUB} and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn`);
    expect(kinds(begun)).toEqual([`${CUSTOMER_ADDRESS} > ${HUB_ADDRESS}.443`]);
    expect(begun.length).toBeGreaterThan(3);
    expect(inside.packets(TO_HUB).length).toBeGreaterThan(SYNC_BYTES / 65_536);
    expect([await inside.end(), await outside.end()]).toEqual([0, 0]);
  });

  /** Whence and where to; a port that was chosen for one connection is a star. */
  function kindOf(line: string): string {
    const match = /IP (\d+\.\d+\.\d+\.\d+)(?:\.\d+)? > (\d+\.\d+\.\d+\.\d+)\.(\d+):/.exec(line);
    if (!match) return line;
    const [, from, to, port] = match;
    return `${from} > ${to}.${Number(port) >= FIRST_CHOSEN ? "*" : port}`;
  }
});
