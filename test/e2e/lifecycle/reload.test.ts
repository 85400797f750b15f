import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ReloadReport } from "../../../common/config/index.ts";
import type { SiteDetails } from "../../../hub/hub.ts";
import type { AuditRecord } from "../../../hub/registry/index.ts";
import { writeNotification } from "../../chaos/spool/notification.ts";
import {
  type AgentSettings,
  FarsiteLab,
  freePort,
  type HubSettings,
  type Installation,
  type TestAgent,
  type TestHub,
  until,
} from "../../lab/farsite.ts";
import { type Authority, type CertificateFiles, makeAuthority } from "../certificates.ts";
import { Client, placesOf } from "../client.ts";
import { manners, PROBED_ONCE, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const PATH = "acme/main";
const HOST = "127.0.0.1";
const echo = await Target.start(manners.echo, lab.cleanup);
const core = await Target.start(manners.core("the core"), lab.cleanup);
const [viewerPort, webPort, linePort, otherLinePort, ecPort] = [
  await freePort(),
  await freePort(),
  await freePort(),
  await freePort(),
  await freePort(),
];
let authority: Authority;
let files: CertificateFiles;
let hub: TestHub;
let agent: TestAgent;
/** What hub.toml and agent.toml say beyond the start, change by change. */
let hubChanges: HubSettings = {};
let agentSettings: AgentSettings = {};
/** A client whose connection must outlast everything. */
const witness = { socket: new Socket(), received: 0 };
let since: string | undefined;

beforeAll(async () => {
  authority = await makeAuthority(lab.folder);
  const { certificate, key } = await authority.issue("first");
  files = { certificate: join(lab.folder, "hub.crt"), key: join(lab.folder, "hub.pem") };
  copyFileSync(certificate, files.certificate);
  copyFileSync(key, files.key);
  hub = await lab.startHub({
    listen: { tls: "files", ...files },
    web: { address: HOST, port: webPort },
    viewer: [{ listen: `${HOST}:${viewerPort}`, view: PATH, tls: "files", ...files }],
  });
  agentSettings = {
    services: { notify: echo.name, ec: echo.name, livestatus: core.name },
    ca_file: authority.file,
    ...PROBED_ONCE,
  };
  agent = await lab.connect(hub, PATH, agentSettings);
  const { tcp } = placesOf(await hub.endpoint(PATH, "notify"));
  witness.socket.on("data", (chunk) => {
    witness.received += chunk.length;
  });
  witness.socket.connect(tcp as { host: string; port: number });
  lab.cleanup.add("end the witness", () => void witness.socket.destroy());
  await undisturbed();
  ({ since } = await agent.status());
});

/** Nothing was lost: the connection from the beginning still carries, over the same session. */
async function undisturbed(): Promise<void> {
  const before = witness.received;
  witness.socket.write("on ");
  await until("an echo", () => witness.received === before + 3);
  if (since !== undefined) expect((await agent.status()).since).toBe(since);
}

async function reload(its: Installation): Promise<ReloadReport> {
  return its.json<ReloadReport>("reload");
}

function changeHub(changes: HubSettings): Promise<ReloadReport> {
  hubChanges = { ...hubChanges, ...changes };
  hub.configure(hubChanges);
  return reload(hub);
}

function changeAgent(changes: AgentSettings): Promise<ReloadReport> {
  agentSettings = { ...agentSettings, ...changes };
  agent.write(agentSettings);
  return reload(agent);
}

async function answer(place: { host: string; port: number }): Promise<string> {
  const client = await Client.to(place).send("word");
  return (await client.end().all()).toString();
}

/** The serial number of the certificate that is shown at a port. */
function serialAt(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: HOST, port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("the hub takes up", () => {
  test("another port of a service: only its endpoints are opened anew", async () => {
    const { tcp: before } = placesOf(await hub.endpoint(PATH, "ec"));
    expect(await changeHub({ services: { ec: ecPort } })).toEqual({
      changed: ["services.ec"],
      renewed: [],
      restart: [],
    });
    const { tcp: after } = placesOf(await hub.endpoint(PATH, "ec"));
    expect(after).toMatchObject({ port: ecPort });
    expect(await answer(after as { host: string; port: number })).toBe("word");
    expect((await Client.to(before).over()).broken).toBe("ECONNREFUSED");
    await undisturbed();
  });

  test("a line of the central side, and the agent a listener for it, which both end again", async () => {
    expect((await changeHub({ central: { echo: { target: echo.name, sites: [PATH] } } })).changed).toEqual([
      "central.echo",
    ]);
    expect((await changeAgent({ listen: { echo: `tcp:${HOST}:${linePort}` } })).changed).toEqual([
      "listen.echo",
    ]);
    await until("the hub to know it", async () => (await hub.site(PATH)).listens?.echo === "tcp");
    expect(await answer({ host: HOST, port: linePort })).toBe("word");
    // one more beside it: what is open goes on
    const open = await Client.to({ host: HOST, port: linePort }).send("a");
    await until("an echo", () => open.received === 1);
    await changeAgent({ listen: { echo: `tcp:${HOST}:${linePort}`, other: `tcp:${HOST}:${otherLinePort}` } });
    await open.send("b");
    await until("an echo", () => open.received === 2);
    await changeHub({ central: {} });
    expect((await open.over()).broken).toBe("ECONNRESET");
    await changeAgent({ listen: {} });
    expect((await Client.to({ host: HOST, port: linePort }).over()).broken).toBe("ECONNREFUSED");
    await undisturbed();
  });

  test("renewed certificates, for agents, viewers and browsers", async () => {
    const before = await serialAt(hub.port);
    expect(await serialAt(viewerPort)).toBe(before);
    expect(await reload(hub)).toEqual({ changed: [], renewed: [], restart: [] });
    const { certificate, key } = await authority.issue("second");
    copyFileSync(certificate, files.certificate);
    copyFileSync(key, files.key);
    expect((await reload(hub)).renewed).toEqual([
      `certificates of the viewer at ${HOST}:${viewerPort}`,
      "certificate of [listen]",
    ]);
    const after = await serialAt(hub.port);
    expect(after).not.toBe(before);
    expect(await serialAt(viewerPort)).toBe(after);
    expect(await serialAt(webPort)).toBe(after);
    await undisturbed();
  });

  test("a policy, and a level of the log", async () => {
    const policy = async () => (await hub.json<SiteDetails>("site", "show", PATH)).policy.commands;
    // the site has had a client already
    const client = await Client.to(placesOf(await hub.endpoint(PATH, "livestatus")).unix).send(
      "GET status\n\n",
    );
    expect((await client.all()).toString()).toBe("the core");
    await changeHub({ policy: { acme: { tables: ["hosts"], commands: "none" } }, log: { level: "debug" } });
    expect(await policy()).toBe("none");
    const refused = await Client.to(placesOf(await hub.endpoint(PATH, "livestatus")).unix).send(
      "GET status\nResponseHeader: fixed16\n\n",
    );
    expect((await refused.all()).toString()).toMatch(/^403/);
    await changeHub({ policy: {} });
    expect(await policy()).toBe("all");
    await undisturbed();
  });

  test("nothing of a file that is broken, by whichever way", async () => {
    hub.write({ url: "https://wrong", services: { ec: 1 } });
    const { code, stderr } = await hub.call(["reload"]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/E_CONFIG[\s\S]*url: found "https:\/\/wrong"/)]);
    expect((await hub.call(["reload", "--check"])).code).toBe(1);
    hub.process.signal("SIGHUP");
    const complaints = () => hub.process.output.split("the changed configuration is not used").length - 1;
    await until("it to be said twice", () => complaints() === 2);
    expect(await hub.endpoint(PATH, "ec")).toMatchObject({ port: ecPort, state: "listening" });
    // the certificate is as bad as it gets; nothing else of the change is taken up
    hub.configure({
      ...hubChanges,
      services: {},
      listen: { tls: "files", ...files, key: files.certificate },
    });
    expect((await hub.call(["reload"])).code).toBe(1);
    expect(await hub.endpoint(PATH, "ec")).toMatchObject({ port: ecPort });
    hub.configure(hubChanges);
    await undisturbed();
  });

  test("what it can, and names what needs a restart", async () => {
    hubChanges = { ...hubChanges, endpoints: { pool: "127.9.0.0/24" }, livestatus: { clients: 7 } };
    hub.configure(hubChanges);
    const { code, stdout } = await hub.call(["reload", "--check"]);
    expect([code, stdout]).toEqual([
      0,
      "Would be taken up: livestatus.clients\nNeeds a restart: endpoints.pool\n",
    ]);
    expect(await hub.ok("reload")).toBe("Taken up: livestatus.clients\nNeeds a restart: endpoints.pool\n");
    expect(await hub.ok("reload")).toBe("Needs a restart: endpoints.pool\n");
    const { endpoints: _, ...rest } = hubChanges;
    hubChanges = rest;
    hub.configure(hubChanges);
    expect(await hub.ok("reload")).toBe("Nothing has changed.\n");
  });

  test("each change noted in the audit, without its values", async () => {
    const records = await hub.json<AuditRecord[]>("audit", "--action", "config.reload");
    expect(records.map(({ detail }) => detail)).toContain("log.level, policy.acme");
    expect(records.every(({ who }) => who.startsWith("admin "))).toBe(true);
  });
});

describe("the agent takes up", () => {
  test("a service that is new, and lets go of one that is gone", async () => {
    const goes = await Client.to(placesOf(await hub.endpoint(PATH, "ec")).tcp).send("x");
    await until("an echo", () => goes.received === 1);
    const { ec: _, ...services } = agentSettings.services ?? {};
    const report = await changeAgent({ services: { ...services, "cmk-agent": echo.name } });
    expect(report.changed).toEqual(["services.cmk-agent", "services.ec"]);
    expect((await goes.over()).broken).toBe("ECONNRESET");
    const { tcp } = placesOf(await hub.endpoint(PATH, "cmk-agent"));
    expect(await answer(tcp as { host: string; port: number })).toBe("word");
    await until(
      "the hub to be told",
      async () => (await hub.site(PATH)).offers.join() === "notify,livestatus,cmk-agent",
    );
    await undisturbed();
  });

  test("another address of the hub: the carrier is replaced, the session goes on", async () => {
    const { peer } = await hub.site(PATH);
    expect((await changeAgent({ hub: { urls: [hub.url.replace(HOST, "localhost")] } })).changed).toEqual([
      "hub.urls",
    ]);
    await until("another carrier", async () => {
      const status = await agent.status();
      return (
        status.url.includes("localhost") || (await hub.site(PATH)).peer !== peer || status.error !== undefined
      );
    });
    await undisturbed();
  });

  test("notifications, as the hub does, and what was on its way arrives once", async () => {
    const folder = (name: string) => {
      mkdirSync(join(lab.folder, name), { recursive: true });
      return join(lab.folder, name);
    };
    const [spool, central, other] = [folder("spool"), folder("central"), folder("other")];
    const landed = (path: string) => readdirSync(path).filter((name) => !name.startsWith("."));
    const sink = (path: string) => ({ kind: "spool" as const, folder: path });
    await changeAgent({ notifications: { spool } });
    writeNotification(spool, 1);
    await until("it to wait for the hub", async () => (await agent.status()).outbox[0]?.items === 1);
    await changeHub({ notifications: { host_prefix: { acme: "host-" }, sinks: { one: sink(central) } } });
    await until("it to land", () => landed(central).length === 1);
    writeNotification(spool, 2);
    await changeHub({ notifications: { host_prefix: { acme: "host-" }, sinks: { two: sink(other) } } });
    writeNotification(spool, 3);
    await until("all to land", () => landed(central).length + landed(other).length === 3);
    await until("the site to be done", () => landed(spool).length === 0);
    await undisturbed();
  });

  test("nothing of a file that is broken", async () => {
    writeFileSync(agent.config, '[services]\nec = "somewhere"\n');
    const { code, stderr } = await agent.call(["reload"]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/E_CONFIG[\s\S]*services\.ec/)]);
    agent.process.signal("SIGHUP");
    await until("it to be said", () => /not used.*agent\.toml/.test(agent.process.output));
    agent.write(agentSettings);
    await undisturbed();
  });

  test("a further site that it was enrolled for, and no longer one that is gone", async () => {
    const { token } = await hub.addSite("acme/second");
    await agent.ok("enroll", token);
    const { services, listen, hub: urls, probe, notifications, ...rest } = agentSettings;
    const main = { services, listen, hub: urls, probe, notifications };
    const settings = JSON.parse(
      JSON.stringify({ ...rest, sites: { main, second: { services } } }),
    ) as AgentSettings;
    agent.write(settings);
    expect((await reload(agent)).renewed).toEqual(["site acme/second"]);
    await hub.reaches("acme/second", "connected");
    const { tcp } = placesOf(await hub.endpoint("acme/second", "notify"));
    expect(await answer(tcp as { host: string; port: number })).toBe("word");
    await undisturbed();
  });

  test("which nothing was told of by an error or a fault", () => {
    for (const { output } of [hub.process, agent.process])
      expect(output).not.toMatch(/fault|E_INTERNAL|Unhandled/);
  });
});
