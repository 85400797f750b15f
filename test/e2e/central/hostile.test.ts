/** An agent that keeps to nothing at a real hub, and a hub that keeps to nothing at a real agent. */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { readEnrolled } from "../../../agent/state.ts";
import { openSession } from "../../../agent/tunnel/handshake.ts";
import { webSocketDialer } from "../../../agent/tunnel/websocket.ts";
import { systemClock } from "../../../common/clock.ts";
import { datagramHeader } from "../../../common/datagram.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { encodeToken } from "../../../common/handshake/index.ts";
import { MemoryLog } from "../../../common/log.ts";
import { pack } from "../../../common/msgpack.ts";
import { BULK, INTERACTIVE } from "../../../common/mux/index.ts";
import { KeyPair } from "../../../common/noise/index.ts";
import { systemRandom } from "../../../common/random.ts";
import { createTunnel, type Tunnel } from "../../../common/tunnel.ts";
import { Enrolment, openStore, parsePool, Registry } from "../../../hub/registry/index.ts";
import { Probing, type TunnelledSites, welcome } from "../../../hub/tunnel/index.ts";
import { freeUdpPort, Receiver } from "../../integration/central/rig.ts";
import { startListener } from "../../integration/https/hub.ts";
import { FarsiteLab, freePort, type TestAgent, until } from "../../lab/farsite.ts";
import { Tap } from "../../unit/mux/rig.ts";
import { Client } from "../client.ts";
import { manners, Target } from "../target.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const TIMEOUT = 10_000;
const MIB = 1 << 20;
const OVER = new FarsiteError("E_SESSION_LOST", "the test is over");

describe("an agent that opens what it likes", async () => {
  const [own, foreign] = [
    await Target.start(manners.echo, lab.cleanup),
    await Target.start(manners.hold, lab.cleanup),
  ];
  const syslog = await freeUdpPort();
  const hub = await lab.startHub({
    central: {
      own: { target: own.name, sites: ["evil"], streams: 5, opens_per_second: 100 },
      foreign: { target: foreign.name, sites: ["acme"] },
      syslog: { target: `udp:127.0.0.1:${syslog}`, sites: ["*"], datagrams_per_second: 100 },
    },
  });
  const port = await freePort();
  const neighbour = await lab.connect(hub, "acme/main", { listen: { foreign: `tcp:127.0.0.1:${port}` } });
  const installed: TestAgent = lab.makeAgent();
  await installed.ok("enroll", (await hub.addSite("evil/main")).token);
  const memory = () =>
    Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${hub.process.pid}/status`, "utf8"))?.[1]) / 1024;

  /** A session of the enrolled key, which the test then plays. */
  async function session(): Promise<Tunnel & { lost: FarsiteError[] }> {
    const { url, hubKey, certificate = "", identity } = readEnrolled(installed.stateDir);
    const clock = systemClock;
    const dial = webSocketDialer({ ca: [certificate], clock });
    const lost: FarsiteError[] = [];
    let tunnel: Tunnel | undefined;
    await openSession(
      await dial({ url, timeout: TIMEOUT }),
      { session: null, received: 0 },
      ({ session: id }, link) => {
        tunnel = createTunnel({
          side: "agent",
          id,
          clock,
          random: systemRandom,
          defer: setImmediate,
          limits: {},
          handlers: {
            accept: (stream) => stream.reset("serviceUnknown"),
            control() {},
            carrier() {},
            goAway() {},
            end: (reason) => void lost.push(reason),
          },
        });
        tunnel.session.adopt(link, 0, 0);
      },
      { identity, hubKey: Buffer.from(hubKey, "base64"), clock, random: systemRandom, timeout: TIMEOUT },
    );
    const made = tunnel as Tunnel;
    onTestFinished(() => made.session.end(OVER));
    return { ...made, lost };
  }

  const opens = (tunnel: Tunnel, name: string) => new Tap(tunnel.mux.open(name, INTERACTIVE)!);

  test("gets another tenant's line no more than one that is not there", async () => {
    const tunnel = await session();
    const names = ["foreign", "nowhere", "livestatus", "admin", "constructor", "own2"];
    const taps = names.map((name) => opens(tunnel, name));
    for (const tap of taps) tap.stream.write(Buffer.from("let me in"));
    await until("all to be refused", () => taps.every((tap) => tap.resetBy !== undefined));
    expect(new Set(taps.map((tap) => tap.resetBy))).toEqual(new Set(["serviceRefused"]));
    expect([foreign.total, own.total]).toEqual([0, 0]);
    expect(tunnel.lost).toEqual([]);
  });

  test.each(["tcp:127.0.0.1:22", "127.0.0.1:22", "../foreign", "Foreign", "foreign\0", ""])(
    "asks for %j in place of a name: its session ends",
    async (name) => {
      const tunnel = await session();
      tunnel.mux.open(name, INTERACTIVE);
      await until("the end", () => tunnel.lost.length === 1);
      expect(tunnel.lost[0]).toMatchObject({ code: "E_PROTOCOL" });
      expect([foreign.total, own.total]).toEqual([0, 0]);
    },
  );

  test("opens thousands of streams: so many are let in as may be, and the others' lines work", async () => {
    const tunnel = await session();
    const total = own.total;
    const taps = Array.from({ length: 1_000 }, () => opens(tunnel, "own"));
    await until("the rest to be refused", () => taps.filter((tap) => tap.resetBy === "limit").length === 995);
    expect(own.total - total).toBeLessThanOrEqual(5);
    const client = Client.to({ host: "127.0.0.1", port });
    await until("the neighbour's line", () => foreign.open === 1);
    client.socket.resetAndDestroy();
    for (const tap of taps) tap.stream.reset("cancelled");
    await until("all to be closed", () => own.open === 0 && foreign.open === 0);
    expect((await neighbour.status()).state).toBe("connected");
  });

  test("says that a line for bytes carries datagrams, and the reverse: refused", async () => {
    const tunnel = await session();
    const bytes = opens(tunnel, "syslog");
    tunnel.mux.sendControl(pack({ kind: "services", names: [], listens: { own: "udp" } }));
    const datagrams = opens(tunnel, "own");
    await until("both to be refused", () => datagrams.resetBy !== undefined && bytes.resetBy !== undefined);
    expect([bytes.resetBy, datagrams.resetBy]).toEqual(["serviceRefused", "serviceRefused"]);
  });

  test("floods a line for datagrams, and sends what is none: the hub's memory does not grow with it", async () => {
    const receiver = await Receiver.start("127.0.0.1", syslog);
    const tunnel = await session();
    tunnel.mux.sendControl(pack({ kind: "services", names: [], listens: { syslog: "udp" } }));
    const before = memory();
    const flood = new Tap(tunnel.mux.open("syslog", BULK)!);
    const piece = Buffer.concat([datagramHeader(1000), Buffer.alloc(1000)]);
    const burst = Buffer.concat(Array.from({ length: 60 }, () => piece));
    for (let sent = 0; sent < 128 * MIB; sent += burst.length) {
      if (flood.stream.write(burst)) continue;
      const drains = flood.drains;
      await until("room", () => flood.drains > drains);
    }
    await until("some to arrive", () => receiver.datagrams.length > 0);
    await until("the flood to be counted", async () => {
      const line = (await hub.site("evil/main")).central.find((each) => each.line === "syslog");
      return (line?.datagrams?.dropped ?? 0) > 100_000;
    });
    expect(memory() - before).toBeLessThan(64);
    flood.stream.write(Buffer.alloc(2, 0xff));
    await until("the stream to be reset", () => flood.resetBy === "internal");
    expect(tunnel.lost).toEqual([]);
  });
});

describe("a hub that asks for what it likes", () => {
  /** A hub of this process with one real agent, which has one service and one listener. */
  async function hubWithAgent() {
    const clock = systemClock;
    const log = new MemoryLog();
    const wall = () => clock.wall();
    const identity = KeyPair.identity(systemRandom);
    const store = await openStore("sqlite::memory:");
    onTestFinished(() => store.close());
    const registry = new Registry({ store, pool: parsePool("127.64.0.0/16"), wall });
    const enrolment = new Enrolment(store, registry, systemRandom, wall);
    await registry.addTenant("test", "acme");
    await registry.addSite("test", "acme", "main", ["notify"]);
    let tunnel: Tunnel | undefined;
    const sites: Pick<TunnelledSites, "attach" | "cut"> = {
      cut() {},
      attach: (_site, _agent, _wanted, link, answer) => {
        const id = systemRandom.bytes(16);
        tunnel = createTunnel({
          side: "hub",
          id,
          clock,
          random: systemRandom,
          defer: setImmediate,
          limits: {},
          handlers: { accept() {}, control() {}, carrier() {}, goAway() {}, end() {} },
        });
        answer({ session: id, resumed: false, received: 0, from: 0 });
        tunnel.session.adopt(link, 0, 0);
      },
    };
    const { port } = startListener((carrier) =>
      welcome(carrier, {
        keys: { accepted: [identity] },
        agentKeys: { arrived: (key) => registry.siteOfKey(key) },
        registry,
        enrolment,
        sites: sites as TunnelledSites,
        probing: new Probing({ clock, timeout: TIMEOUT }),
        clock,
        random: systemRandom,
        log,
        timeout: TIMEOUT,
        refused: () => {},
        enrolled: () => {},
      }),
    );
    const { id, secret } = await enrolment.issue("test", "acme", "main", 600_000);
    const url = `ws://127.0.0.1:${port}`;
    const token = encodeToken({ url, hubKey: identity.publicKey.bytes, certificate: undefined, id, secret });
    const target = await Target.start(manners.echo, lab.cleanup);
    const listens = await freePort();
    const agent = lab.makeAgent({
      services: { notify: target.name },
      listen: { receiver: `tcp:127.0.0.1:${listens}`, syslog: `udp:127.0.0.1:${await freeUdpPort()}` },
    });
    await agent.ok("enroll", token);
    await agent.start();
    await until("the agent to connect", async () => (await agent.status()).state === "connected");
    onTestFinished(() => agent.stop());
    return { tunnel: tunnel as Tunnel, agent, target, listens };
  }

  test("gets what the agent's file names, and nothing else: no other service, and no listener's name", async () => {
    const { tunnel, agent, target } = await hubWithAgent();
    const names = ["receiver", "syslog", "ssh", "livestatus", "constructor"];
    const taps = names.map((name) => new Tap(tunnel.mux.open(name, INTERACTIVE)!));
    await until("all to be refused", () => taps.every((tap) => tap.resetBy !== undefined));
    expect(new Set(taps.map((tap) => tap.resetBy))).toEqual(new Set(["serviceUnknown"]));
    expect(target.total).toBe(0);
    for (const name of names) {
      expect(agent.process.output).toMatch(
        new RegExp(`service failed service=${name} reason=".*not in this agent's file`),
      );
    }
    const allowed = new Tap(tunnel.mux.open("notify", INTERACTIVE)!);
    allowed.stream.write(Buffer.from("hello"));
    await until("the service to answer", () => allowed.text === "hello");
    allowed.stream.end();
  });

  test.each(["tcp:127.0.0.1:22", "127.0.0.1:22", "unix:/run/x", "../notify"])(
    "asks for %j in place of a name: the session ends, nothing is reached, the agent goes on",
    async (name) => {
      const { tunnel, agent, target } = await hubWithAgent();
      tunnel.mux.open(name, INTERACTIVE);
      await until("the agent to say so", () => /E_PROTOCOL/.test(agent.process.output));
      expect(target.total).toBe(0);
      await until("it to be back", async () => (await agent.status()).state === "connected");
    },
  );

  test("answers the agent's streams with anything: the client sees bytes or a reset, the agent goes on", async () => {
    const { tunnel, agent, listens } = await hubWithAgent();
    // this hub never takes what is opened; the client waits, and is reset when the session ends
    const waiting = await Client.to({ host: "127.0.0.1", port: listens }).send("anybody?");
    await until("the stream to be open", async () => (await agent.status()).streams === 1);
    tunnel.session.end(OVER);
    expect(await waiting.over()).toMatchObject({ broken: "ECONNRESET", received: 0 });
    await until("it to be back", async () => (await agent.status()).state === "connected");
  });
});
