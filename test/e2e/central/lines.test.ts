/** Lines from sites to the central side, with the real programs: two tenants, both of whose sites are `main`. */

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { afterAll, expect, test } from "vitest";
import type { AuditRecord } from "../../../hub/registry/index.ts";
import { freeUdpPort, Receiver, sender } from "../../integration/central/rig.ts";
import { FarsiteLab, freePort, until } from "../../lab/farsite.ts";
import { makeAuthority } from "../certificates.ts";
import { Client } from "../client.ts";
import { Relay } from "../relay.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const MIB = 1 << 20;
const TENANTS = ["acme", "globex"] as const;
const LINES = ["notify", "digest", "receiver", "only-acme", "nowhere"] as const;

const [echo, digest, hold] = [
  await Target.start(manners.echo, lab.cleanup),
  await Target.start(manners.digest, lab.cleanup),
  await Target.start(manners.hold, lab.cleanup),
];
const authority = await makeAuthority(lab.folder);
const [server, client] = [
  await authority.issue("receiver"),
  await authority.issue("host", { host: "a-host" }),
];
const pem = ({ certificate, key }: typeof server) => ({
  cert: readFileSync(certificate),
  key: readFileSync(key),
  ca: readFileSync(authority.file),
});
/** An agent receiver in short: whom does the client's certificate name, and where does it come from? */
const receiver = createTlsServer(
  { ...pem(server), requestCert: true, rejectUnauthorized: true },
  (socket) => {
    socket.on("error", () => {});
    socket.end(`${socket.getPeerCertificate().subject.CN} from ${socket.remoteAddress}`);
  },
).listen(0, "127.0.0.1");
await once(receiver, "listening");
lab.cleanup.add("close a receiver", () => void receiver.close());

const syslogPort = await freeUdpPort();
const hubPort = await freePort();
const relay = await Relay.start(hubPort, lab.cleanup);
const hub = await lab.startHub({
  url: `wss://127.0.0.1:${relay.port}`,
  listen: { port: hubPort },
  limits: { dead_seconds: 1 },
  central: {
    notify: { target: echo.name, sites: ["*"] },
    digest: { target: digest.name, sites: ["acme/main", "globex"] },
    receiver: { target: `tcp:127.0.0.1:${(receiver.address() as AddressInfo).port}`, sites: ["*"] },
    "only-acme": { target: hold.name, sites: ["acme"] },
    syslog: { target: `udp:127.0.0.1:${syslogPort}`, sites: ["*"] },
  },
});

/** A tenant's agent, which listens for every line, and where. */
async function agentOf(tenant: string) {
  const ports = Object.fromEntries(
    await Promise.all(LINES.map(async (line) => [line, await freePort()] as const)),
  );
  const udp = await freeUdpPort();
  const listen = Object.fromEntries(LINES.map((line) => [line, `tcp:127.0.0.1:${ports[line]}`]));
  const agent = await lab.connect(hub, `${tenant}/main`, {
    listen: { ...listen, syslog: `udp:127.0.0.1:${udp}` },
    limits: { dead_seconds: 1 },
  });
  const { address } = await hub.site(`${tenant}/main`);
  const to = (line: (typeof LINES)[number]) => Client.to({ host: "127.0.0.1", port: ports[line] as number });
  return { agent, to, udp, address, ports };
}
const sites = { acme: await agentOf("acme"), globex: await agentOf("globex") };

const centralOf = async (path: string, line: string) =>
  (await hub.site(path)).central.find((each) => each.line === line);

test.each(TENANTS)("%s reaches what it may, and is seen under its own address", async (tenant) => {
  const before = digest.peers.length;
  const data = randomBytes(3 * MIB);
  const asking = await sites[tenant].to("digest").send(data);
  expect((await asking.end().all()).toString()).toMatch(/^3145728 [0-9a-f]{64}$/);
  expect(digest.peers.slice(before)).toEqual([sites[tenant].address]);
  await until("it to be counted", async () => (await centralOf(`${tenant}/main`, "digest"))?.open === 0);
  expect(await centralOf(`${tenant}/main`, "digest")).toMatchObject({
    target: digest.name,
    from: sites[tenant].address,
    opened: 1,
    unreachable: 0,
  });
});

test.each(TENANTS)("mutual TLS of %s passes untouched, end to end", async (tenant) => {
  const port = sites[tenant].ports.receiver as number;
  const socket = connectTls({ ...pem(client), socket: connectTcp(port, "127.0.0.1"), host: "127.0.0.1" });
  let said = "";
  socket.on("data", (chunk) => {
    said += chunk;
  });
  await once(socket, "end");
  expect(said).toBe(`a-host from ${sites[tenant].address}`);
});

test("one tenant's line is refused to another like one that is not there, logged and in the audit", async () => {
  const own = sites.acme.to("only-acme");
  await until("its target to be reached", () => hold.open === 1);
  const foreign = await sites.globex.to("only-acme").over();
  const unknown = await sites.globex.to("nowhere").over();
  for (const each of [foreign, unknown]) {
    expect(each).toMatchObject({ broken: "ECONNRESET", ended: false, received: 0 });
  }
  expect(hold.total).toBe(1);
  own.socket.resetAndDestroy();
  const { output } = sites.globex.agent.process;
  const said = (line: string) =>
    output.includes(`line failed line=${line} reason="the hub does not allow this line for this site"`);
  expect(["only-acme", "nowhere"].map(said)).toEqual([true, true]);
  expect(hub.process.output).toMatch(/line refused site=globex\/main line=only-acme/);
  const records = () => hub.json<AuditRecord[]>("audit", "--action", "central.refuse");
  await until("the audit", async () => (await records()).length > 0);
  expect((await records())[0]).toMatchObject({
    who: "agent",
    tenant: "globex",
    site: "main",
    detail: "only-acme; the site may not use a line of this name",
  });
});

test("both command lines show the lines", async () => {
  const shown = await hub.ok("site", "show", "globex/main");
  expect(shown).toMatch(
    new RegExp(`^central +digest -> ${digest.name} from ${sites.globex.address}: 0 open, 1 opened`, "m"),
  );
  expect(shown).toMatch(/^central +only-acme: the agent listens for it, hub.toml does not allow it$/m);
  expect(shown).not.toContain(hold.name);
  expect(await hub.ok("site", "show", "acme/main")).toContain(hold.name);
  const status = await sites.globex.agent.ok("status");
  expect(status).toMatch(
    /^listens for digest at tcp:127\.0\.0\.1:\d+: 0 clients now, 1 so far, 0 of them turned away$/m,
  );
  expect(status).toMatch(/^listens for nowhere at .*, 1 so far, 1 of them turned away$/m);
  expect(status).toMatch(/^listens for syslog at udp:127\.0\.0\.1:\d+: 0 datagrams sent/m);
});

test("datagrams of two tenants arrive, each tenant's in order, under its own address", async () => {
  const receiving = await Receiver.start("127.0.0.1", syslogPort);
  const texts = (tenant: string) => Array.from({ length: 300 }, (_, n) => `${tenant} ${n}`);
  await Promise.all(
    TENANTS.map(async (tenant) => {
      const send = await sender(sites[tenant].udp);
      for (const text of texts(tenant)) await send(text);
    }),
  );
  await until("all to arrive", () => receiving.datagrams.length === 600);
  for (const tenant of TENANTS) {
    expect(receiving.texts.filter((text) => text.startsWith(tenant))).toEqual(texts(tenant));
  }
  expect([...receiving.peers].toSorted()).toEqual(TENANTS.map((tenant) => sites[tenant].address).toSorted());
  expect((await sites.acme.agent.status()).listeners.at(-1)?.datagrams).toMatchObject({
    sent: 300,
    dropped: 0,
  });
});

test.each(["cut", "hold"] as const)(
  "a line that is %s: connections go on, no byte and no datagram is lost, and idle ones stay",
  async (how) => {
    const receiving = await Receiver.start("127.0.0.1", syslogPort);
    const send = await sender(sites.acme.udp);
    const idle = await sites.acme.to("notify").send("beat");
    await until("the first heartbeat", () => idle.received === 4);
    const data = randomBytes(8 * MIB);
    const busy = sites.globex.to("notify");
    const before = relay.carried;
    void busy.send(data).then(() => busy.end());
    await until("bytes to flow", () => relay.carried > before + MIB);
    const taken = relay.taken;
    relay[how]();
    for (let n = 0; n < 50; n++) await send(`${n}`);
    await until("both agents to be back", () => relay.taken >= taken + 2);
    expect((await busy.all()).equals(data)).toBe(true);
    await idle.send("beat");
    await until("the second heartbeat", () => idle.received === 8);
    await until("all datagrams", () => receiving.datagrams.length === 50);
    expect(receiving.texts).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`));
    expect(hub.process.output).not.toContain("session ended");
    idle.end();
    await idle.closed;
  },
);

test("while the hub is away clients are reset at once and datagrams wait; both work when it is back", async () => {
  const receiving = await Receiver.start("127.0.0.1", syslogPort);
  const lasting = sites.acme.to("notify");
  await lasting.send("x");
  await until("an answer", () => lasting.received === 1);
  await hub.stop();
  expect(await lasting.over()).toMatchObject({ broken: "ECONNRESET", ended: false });
  expect(await sites.acme.to("notify").over()).toMatchObject({ broken: "ECONNRESET", received: 0 });
  const send = await sender(sites.acme.udp);
  await send("while it was away");
  await until("it to wait", async () =>
    (await sites.acme.agent.status()).listeners.some((each) => each.datagrams?.waiting === 1),
  );
  await hub.start();
  await hub.reaches("acme/main", "connected");
  await until("it to arrive", () => receiving.texts[0] === "while it was away");
  const again = await sites.acme.to("notify").send("again");
  expect((await again.end().all()).toString()).toBe("again");
});

test("a site that is disabled reaches nothing any more", async () => {
  // the hub was started anew
  await hub.reaches("globex/main", "connected");
  const open = await sites.globex.to("notify").send("x");
  await until("an answer", () => open.received === 1);
  await hub.ok("site", "disable", "globex/main");
  expect(await open.over()).toMatchObject({ broken: "ECONNRESET", ended: false });
  expect(await sites.globex.to("notify").over()).toMatchObject({ received: 0, ended: false });
});

test("an agent that stops leaves nothing at the central side, and its clients are reset", async () => {
  const client = await sites.acme.to("only-acme").send("x");
  await until("its target to be reached", () => hold.open === 1);
  await sites.acme.agent.stop();
  expect(await client.over()).toMatchObject({ broken: "ECONNRESET", ended: false });
  await until("the target to be left", () => hold.open === 0);
});
