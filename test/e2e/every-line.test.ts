/**
 * Every line between a central site and its remotes, all at the same time, for two customers with the same
 * network and the same site ID, each behind a firewall that lets nothing out but port 443.
 */

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SiteDetails } from "../../hub/hub.ts";
import { APACHE_PACKAGES, startApache } from "../lab/apache.ts";
import { scratchDirectory } from "../lab/cleanup.ts";
import { FarsiteLab, PATIENCE, type TestHub, until } from "../lab/farsite.ts";
import { bytesOf, digestOf } from "../lab/lines/bytes.ts";
import { DATAGRAM_PACKAGES, type Receiver, startRsyslog, startSnmptrapd } from "../lab/lines/datagrams.ts";
import { OUTPUT_BYTES } from "../lab/lines/far-end.ts";
import { type MutualTls, makeMutualTls } from "../lab/lines/mutual-tls.ts";
import { RABBITMQ_PACKAGES, startRabbit } from "../lab/lines/rabbitmq.ts";
import { createNetwork, HUB_ADDRESS, NETWORK_PACKAGES, type Network } from "../lab/network.ts";
import { namespaceObstacle, obstacleTo } from "../lab/obstacle.ts";
import { type LabProcess, launch } from "../lab/process.ts";
import { manners } from "./target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const obstacle = await obstacleTo(
  "every line",
  [...NETWORK_PACKAGES, ...APACHE_PACKAGES, ...RABBITMQ_PACKAGES, ...DATAGRAM_PACKAGES],
  namespaceObstacle,
);

const TENANTS = ["acme", "globex"] as const;
type Tenant = (typeof TENANTS)[number];

/** Ports at the customers' hosts and at the central site: all on 127.0.0.1, so nobody else can have them. */
const PORT = {
  http: 5000,
  ec: 6558,
  "cmk-agent": 6556,
  notify: 6555,
  broker: 5672,
  receiver: 8000,
  syslog: 514,
  trap: 162,
};
/** Where the agent listens for the spooler: the site's own has the usual port. */
const NOTIFY_OUT = 16_555;
const FAR_END = new URL("../lab/lines/far-end.ts", import.meta.url).pathname;
/** What is sent over each line: enough that no buffer on the way holds all of it. */
const BYTES = 5_000_000;
/** A first config sync with everything there is. */
const SYNC_BYTES = 300_000_000;
/** Two beats of a spooler, which come every ten seconds, and may be late. */
const SPOOLER_MS = 24_000;

interface Customer {
  address: string;
  /** Checksum of what is synchronised to its site. */
  archive: string;
  tls: MutualTls;
}

let network: Network;
let hub: TestHub;
const customers = new Map<Tenant, Customer>();
const central = { tls: undefined as MutualTls | undefined, peers: [] as string[] };
let syslog: Receiver;
let traps: Receiver;

const python = (program: string, ...args: string[]) => ["/usr/bin/python3", "-c", program, ...args];
const farEnd = (...words: (string | number)[]) => [process.execPath, FAR_END, ...words.map(String)];

/** Runs a program in a place to its end, and gives what it printed. */
async function runIn(place: string, argv: readonly string[], label: string): Promise<string> {
  const child = await launch(argv, { label, netns: network.namespace(place), cleanup: lab.cleanup });
  const { code, signal } = await child.exited;
  if (code !== 0) throw new Error(`${label} in ${place} ended with ${signal ?? code}:\n${child.output}`);
  return child.output;
}

function startIn(
  place: string,
  argv: readonly string[],
  ready: (child: LabProcess) => boolean,
  label: string,
) {
  const onLine = (line: string) => {
    const peer = /^\{"peer":"(.*)"\}$/.exec(line)?.[1];
    if (peer !== undefined && place === "hub") central.peers.push(peer);
  };
  return launch(argv, {
    label,
    netns: network.namespace(place),
    cleanup: lab.cleanup,
    ready,
    readyWithinMs: PATIENCE,
    onLine,
  });
}

const isReady = (child: LabProcess) => child.output.includes("ready\n");
const listens = (place: string, port: number) =>
  network.attempt(place, ["ss", "-Hltn", `sport = :${port}`]).stdout !== "";

async function startCentral(): Promise<void> {
  const folder = scratchDirectory(lab.cleanup, "central");
  const tls = await makeMutualTls(folder);
  central.tls = tls;
  writeFileSync(join(folder, "bundle"), bytesOf("agent bundle", BYTES));
  const certificates = ["-cert", tls.server.certificate, "-key", tls.server.key, "-CAfile", tls.authority];
  await launch(
    [
      "openssl",
      "s_server",
      "-accept",
      `127.0.0.1:${PORT.receiver}`,
      ...certificates,
      "-Verify",
      "1",
      "-verify_return_error",
      "-WWW",
      "-quiet",
    ],
    {
      label: "agent receiver",
      netns: network.namespace("hub"),
      cwd: folder,
      cleanup: lab.cleanup,
      ready: () => listens("hub", PORT.receiver),
    },
  );
  const place = { netns: network.namespace("hub"), cleanup: lab.cleanup };
  syslog = await startRsyslog({ port: PORT.syslog, ...place });
  traps = await startSnmptrapd({ port: PORT.trap, ...place });
  await startIn("hub", farEnd("serve", "central", `spooler=${PORT.notify}`), isReady, "central spooler");
}

async function startCustomer(tenant: Tenant): Promise<void> {
  // while this process makes it, the cores in it cannot answer
  const archive = makeArchive(tenant);
  const tls = await makeMutualTls(scratchDirectory(lab.cleanup, tenant));
  await startRabbit({ port: PORT.broker, tls, netns: network.namespace(tenant), cleanup: lab.cleanup });
  await startApache("main", lab.cleanup, { port: PORT.http, netns: network.namespace(tenant) });
  const roles = [`ec=${PORT.ec}`, `cmk-agent=${PORT["cmk-agent"]}`, `spooler=${PORT.notify}`];
  await startIn(tenant, farEnd("serve", tenant, ...roles), isReady, `services of ${tenant}`);
  const socket = join(lab.folder, `${tenant}.live`);
  const core = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {}); // the agent's probe may give up on a busy machine
    manners.core(`core of ${tenant}`)(socket);
  }).listen(socket);
  await once(core, "listening");
  lab.cleanup.add("close the core", () => void core.close());

  const { token, address } = await hub.addSite(`${tenant}/main`);
  const tcp = (port: number) => `tcp:127.0.0.1:${port}`;
  const agent = lab.makeAgent({
    services: {
      livestatus: `unix:${socket}`,
      http: tcp(PORT.http),
      ec: tcp(PORT.ec),
      notify: tcp(PORT.notify),
      "cmk-agent": tcp(PORT["cmk-agent"]),
      broker: tcp(PORT.broker),
    },
    listen: {
      notify: tcp(NOTIFY_OUT),
      receiver: tcp(PORT.receiver),
      syslog: `udp:127.0.0.1:${PORT.syslog}`,
      trap: `udp:127.0.0.1:${PORT.trap}`,
    },
  });
  const enrolled = await agent.enroll(token, { through: network.exec(tenant, []) });
  if (enrolled.code !== 0) throw new Error(enrolled.stderr);
  await agent.start({ netns: network.namespace(tenant) });
  await hub.reaches(`${tenant}/main`, "connected");
  await until("the core to be seen", async () => {
    return (await hub.site(`${tenant}/main`)).livestatus.state === "online";
  });
  customers.set(tenant, { address, archive, tls });
}

/** Everything that one customer's lines carry, and what came of it. */
async function useEveryLine(tenant: Tenant) {
  const { address, tls } = customers.get(tenant)!;
  const json = async (place: string, ...words: (string | number)[]) =>
    JSON.parse(await runIn(place, farEnd(...words), `${words[0]} at ${place}`));
  const [livestatus, sync, ec, output, spoolerIn, spoolerOut, broker, receiver] = await Promise.all([
    runIn("hub", python(LIVESTATUS, address), "livestatus"),
    runIn("hub", upload(tenant, customers.get(tenant)!), "config sync"),
    json("hub", "digest", address, PORT.ec, `events of ${tenant}`, BYTES),
    json("hub", "read", address, PORT["cmk-agent"]),
    json("hub", "talk", address, PORT.notify, SPOOLER_MS),
    json(tenant, "talk", "127.0.0.1", NOTIFY_OUT, SPOOLER_MS),
    runIn(
      "hub",
      python(AMQP, address, String(PORT.broker), tls.authority, tls.client.certificate, tls.client.key),
      "AMQP",
    ),
    runIn(tenant, ["bash", "-c", HTTPS_1_0, "", ...receiverArgs()], "agent receiver"),
    runIn(
      tenant,
      ["logger", "--rfc3164", "-d", "-n", "127.0.0.1", "-P", String(PORT.syslog), `log of ${tenant}`],
      "logger",
    ),
    runIn(
      tenant,
      [
        "snmptrap",
        "-v2c",
        "-c",
        "public",
        `udp:127.0.0.1:${PORT.trap}`,
        "",
        TRAP,
        TRAP,
        "s",
        `trap of ${tenant}`,
      ],
      "snmptrap",
    ),
  ]);
  return { livestatus, sync, ec, output, spoolerIn, spoolerOut, broker, receiver: receiver.trim() };
}

/** What a config sync sends, in a size that nothing on the way could hold; gives its checksum. */
function makeArchive(tenant: Tenant): string {
  const archive = bytesOf(`sync of ${tenant}`, SYNC_BYTES);
  writeFileSync(archiveOf(tenant), archive);
  return digestOf(archive);
}

const archiveOf = (tenant: Tenant) => join(lab.folder, `${tenant}.tar`);

function upload(tenant: Tenant, { address, archive }: Customer): string[] {
  const url = `http://${address}:${PORT.http}/main/check_mk/automation.py?command=receive-config-sync`;
  return ["curl", "-sS", "-X", "POST", "-T", archiveOf(tenant), "-H", `X-Sha256: ${archive}`, url];
}

const TRAP = "1.3.6.1.4.1.8072.2.3.0.1";

const LIVESTATUS = `
import socket, sys
s = socket.create_connection((sys.argv[1], 6557))
s.sendall(b"GET status\\n\\n")
s.shutdown(socket.SHUT_WR)
sys.stdout.write(s.makefile().read())
`;

/** Through a queue and back, with a certificate; then without one. */
const AMQP = `
import hashlib, json, pika, ssl, sys
host, port, ca, cert, key = sys.argv[1:]
def connect(with_certificate):
    context = ssl.create_default_context(cafile=ca)
    if with_certificate: context.load_cert_chain(cert, key)
    return pika.BlockingConnection(pika.ConnectionParameters(host, int(port), ssl_options=pika.SSLOptions(context, "localhost")))
channel = connect(True).channel()
channel.queue_declare("q")
body = b"message" * ${Math.floor(BYTES / 7)}
channel.basic_publish("", "q", body)
_, _, got = channel.basic_get("q", auto_ack=True)
try:
    connect(False)
    stranger = "let in"
except Exception:
    stranger = "refused"
print(json.dumps({"same": got == body, "stranger": stranger}))
`;

/** Fetches a file over TLS with a certificate of one's own, and prints its digest. */
const HTTPS_1_0 = `
set -o pipefail
printf 'GET /bundle HTTP/1.0\\r\\n\\r\\n' |
  openssl s_client -quiet -ign_eof -verify_return_error -connect 127.0.0.1:$1 -CAfile "$2" -cert "$3" -key "$4" 2>/dev/null |
  sed '1,/^\\r*$/d' | sha256sum | cut -d' ' -f1
`;

function receiverArgs(): string[] {
  const { authority, client } = central.tls!;
  return [String(PORT.receiver), authority, client.certificate, client.key];
}

describe.skipIf(obstacle !== undefined)(
  "every line of two customers with the same network and site ID",
  () => {
    const results = new Map<Tenant, Awaited<ReturnType<typeof useEveryLine>>>();

    beforeAll(async () => {
      network = createNetwork({ tenants: TENANTS, cleanup: lab.cleanup });
      const target = (port: number, kind = "tcp") => `${kind}:127.0.0.1:${port}`;
      hub = await lab.makeHub({
        url: `wss://${HUB_ADDRESS}`,
        listen: { address: HUB_ADDRESS, port: 443 },
        services: { broker: PORT.broker },
        central: {
          notify: { target: target(PORT.notify), sites: ["*"] },
          receiver: { target: target(PORT.receiver), sites: ["acme", "globex/main"] },
          syslog: { target: target(PORT.syslog, "udp"), sites: ["*"] },
          trap: { target: target(PORT.trap, "udp"), sites: ["*"] },
        },
      });
      await startCentral();
      await hub.start({ netns: network.namespace("hub") });
      await Promise.all(TENANTS.map(startCustomer));
      await Promise.all(TENANTS.map(async (tenant) => results.set(tenant, await useEveryLine(tenant))));
    }, 180_000);

    describe.each(TENANTS)("%s", (tenant) => {
      const came = () => results.get(tenant)!;

      test("Livestatus: its own core", () => {
        expect(came().livestatus).toBe(`core of ${tenant}`);
      });

      test("site web server: a config sync of 300 MB arrives whole, and the hub has seen it", async () => {
        expect(came().sync).toBe("True");
        const { syncs } = await hub.json<SiteDetails>("site", "show", `${tenant}/main`);
        expect(syncs).toEqual([expect.objectContaining({ kind: "receive", sent: expect.any(Number) })]);
        expect(syncs[0]!.sent).toBeGreaterThanOrEqual(SYNC_BYTES);
      });

      test("Event Console: the answer comes after the half-close", () => {
        const sent = bytesOf(`events of ${tenant}`, BYTES);
        expect(came().ec).toEqual({ answer: `${BYTES} ${digestOf(sent)}` });
      });

      test("agent output: whole", () => {
        expect(came().output).toEqual({
          bytes: OUTPUT_BYTES,
          digest: digestOf(bytesOf(tenant, OUTPUT_BYTES)),
        });
      });

      test.each(["spoolerIn", "spoolerOut"] as const)(
        "notification spooler, %s: beats and acknowledgements come",
        (way) => {
          const { beats, sent, acknowledged, broken } = came()[way];
          expect(broken).toBeUndefined();
          expect(beats).toBe(2);
          expect(acknowledged).toBe(sent);
        },
      );

      test("message broker: with a certificate only, and end to end", () => {
        expect(JSON.parse(came().broker)).toEqual({ same: true, stranger: "refused" });
      });

      test("agent receiver: with the client's certificate end to end", () => {
        expect(came().receiver).toBe(digestOf(bytesOf("agent bundle", BYTES)));
      });

      test("datagrams arrive, from the site's own address", async () => {
        const { address } = customers.get(tenant)!;
        await until("the log line", () => syslog.lines().some((line) => line.includes(`log of ${tenant}`)));
        await until("the trap", () => traps.lines().some((line) => line.includes(`trap of ${tenant}`)));
        const from = (receiver: Receiver, what: string) =>
          receiver
            .lines()
            .find((line) => line.includes(`${what} of ${tenant}`))
            ?.split(" ")[0];
        expect(from(syslog, "log")).toBe(address);
        expect(from(traps, "trap")).toBe(address);
      });
    });

    test("the central spooler tells the sites apart by their addresses", () => {
      expect(new Set(central.peers)).toEqual(
        new Set(TENANTS.map((tenant) => customers.get(tenant)!.address)),
      );
    });
  },
);
