/** TCP addresses for viewer sites: who gets in, and what is seen of what goes wrong. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { AuditRecord } from "../../../hub/registry/index.ts";
import type { ViewerState } from "../../../hub/viewer/index.ts";
import { FarsiteLab, freePort, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { type Authority, type CertificateFiles, makeAuthority } from "../certificates.ts";
import { Client } from "../client.ts";
import { manners, PROBED_ONCE, Target } from "../target.ts";
import { hasPython, type PythonOptions, type PythonSaw, python } from "./python.ts";

const lab = new FarsiteLab();
afterAll(() => lab.end());

const HOST = "127.0.0.1";
const ANSWER = "200           2\nok";
const FIXED = "ResponseHeader: fixed16\n";
/** Bytes of an answer that no buffer on its way takes whole. */
const LONG = 24 << 20;
const VERSIONS = [
  ["TLS 1.3", false],
  ["TLS 1.2", true],
] as const;

/** The viewers of the hub, by what is special about them. */
const NAMES = [
  "site",
  "tenant",
  "all",
  "plain",
  "files",
  "expired",
  "clients",
  "absent",
  "other absent",
  "both",
  "busy",
] as const;
type Name = (typeof NAMES)[number];

const ports = new Map<Name, number>();
let authority: Authority;
let expired: CertificateFiles;
let hub: TestHub;
let agent: TestAgent;
/** A long answer, and as much of it as there is. */
const LONG_ANSWER = Buffer.alloc(LONG, "a long answer ");
/** A core that does what the table's name says. */
const core = (socket: Socket) =>
  void socket.once("data", (chunk: Buffer) => {
    const table = /^GET (\w+)/.exec(chunk.toString())?.[1];
    if (chunk.includes("program_start")) {
      manners.core(ANSWER)(socket);
      socket.emit("data", chunk);
    } else if (table === "long") socket.end(LONG_ANSWER);
    else if (table === "half") socket.write("half of the ans", () => socket.resetAndDestroy());
    else if (table === "longhalf") socket.write(LONG_ANSWER, () => socket.resetAndDestroy());
    else if (table !== "hang") socket.end(ANSWER);
  });

beforeAll(async () => {
  for (const name of NAMES) ports.set(name, await freePort());
  authority = await makeAuthority(lab.folder);
  const good = await authority.issue("viewer");
  expired = await authority.issue("expired", { from: -30, to: -1 });
  const listen = (name: Name, host = HOST) => `${host}:${ports.get(name)}`;
  const ours = { only_from: ["127.0.0.0/29", "127.1.0.0/16"] };
  hub = await lab.startHub({
    limits: { handshake_seconds: 1, handshakes_per_address: 3 },
    livestatus: { commands: ["ADD_*"], request_seconds: 1 },
    viewer: [
      { listen: listen("site"), view: "acme/main", tls: "self", ...ours },
      { listen: listen("tenant"), view: "acme", tls: "self" },
      { listen: listen("all"), view: "*", tls: "self" },
      { listen: listen("plain"), view: "acme/main", ...ours },
      { listen: listen("files"), view: "acme/main", tls: "files", ...good },
      { listen: listen("expired"), view: "acme/main", tls: "files", ...expired },
      { listen: listen("clients"), view: "acme/main", tls: "self", client_authorities: authority.file },
      { listen: listen("absent"), view: "acme/later" },
      { listen: listen("other absent"), view: "nobody/here", tls: "self", ...ours },
      { listen: listen("both", "[::]"), view: "acme/main", only_from: ["127.0.0.1", "::1"] },
      { listen: listen("busy"), view: "acme/main", tls: "self" },
    ],
  });
  const target = await Target.start(core, lab.cleanup);
  agent = await lab.connect(hub, "acme/main", { services: { livestatus: target.name }, ...PROBED_ONCE });
  await until("the core to be seen", async () => (await hub.site("acme/main")).livestatus.state === "online");
});

const ownAuthority = () => join(hub.stateDir, "viewer-authority.pem");
const portOf = (name: Name) => ports.get(name) as number;

/** What Python sees at a viewer's address; with TLS, trusting the hub's own authority, unless it is said otherwise. */
function look(name: Name, options: Partial<PythonOptions>): Promise<PythonSaw> {
  return python({ host: HOST, port: portOf(name), ca: ownAuthority(), ...options });
}

function plainClient(name: Name, localAddress = HOST): Client {
  return Client.to({ host: HOST, port: portOf(name), localAddress } as never);
}

/** Waits for a log line of a viewer. */
function logged(name: Name, pattern: RegExp): Promise<void> {
  const here = new RegExp(`viewer=\\S*:${portOf(name)}\\W`);
  return until(`${name}: ${pattern}`, () =>
    hub.process.output.split("\n").some((line) => here.test(line) && pattern.test(line)),
  );
}

async function audit(name: Name): Promise<AuditRecord[]> {
  const records = await hub.json<AuditRecord[]>("audit", "--action", "viewer.refuse");
  return records.filter(({ detail }) => detail.includes(`:${portOf(name)};`));
}

describe.skipIf(!hasPython)("a client as Checkmk's GUI", () => {
  test.each(VERSIONS)("asks again and again over one connection, %s", async (name, tls12) => {
    const { answers, version, failed } = await look("site", {
      tls12,
      queries: ["GET status\nColumns: program_version", "GET hosts\nColumns: name"],
    });
    expect({ answers, version, failed }).toEqual({
      answers: [
        { code: 200, body: "ok" },
        { code: 200, body: "ok" },
      ],
      version: name.replace(" ", "v"),
      failed: undefined,
    });
  });

  test("takes the hub's own certificate also at its strictest, as Python 3.13 is", async () => {
    expect(await look("site", { strict: true, queries: ["GET hosts"] })).toMatchObject({
      answers: [{ code: 200 }],
    });
  });

  test("sees a tenant's sites, or all, as one", async () => {
    const query = "GET sites\nColumns: key state";
    expect((await look("tenant", { queries: [query] })).answers?.[0]?.body).toBe('[["main", "online"]]\n');
    expect((await look("all", { queries: [query] })).answers?.[0]?.body).toBe('[["acme/main", "online"]]\n');
  });

  test("takes a certificate from files; does not take an expired one, nor that of a stranger", async () => {
    expect(await look("files", { ca: authority.file, queries: ["GET hosts"] })).toMatchObject({
      answers: [{ code: 200 }],
    });
    const told = await look("expired", { ca: authority.file, queries: ["GET hosts"], timeout: 0.5 });
    expect(told).toMatchObject({ failed: expect.stringMatching(/SSL|EOF|reset/i) });
    expect(told.answers).toBeUndefined();
    const stranger = await look("site", { ca: authority.file, queries: ["GET hosts"], timeout: 0.5 });
    expect(stranger.answers).toBeUndefined();
    await logged("site", /viewer failed .*the client does not trust the certificate/);
    // one that does not look at certificates gets in
    expect(
      await look("expired", { ca: authority.file, verify: false, queries: ["GET hosts"] }),
    ).toMatchObject({
      answers: [{ code: 200 }],
    });
    expect(hub.process.output).toMatch(
      new RegExp(`certificate has expired key=viewer.5.certificate file=${expired.certificate}`),
    );
  });

  test("is refused a command by the site's policy, and the audit has its address", async () => {
    const command = "COMMAND [1700000000] RESTART_PROGRAM\n\n";
    const saw = await look("site", { source: "127.1.2.3", raw: command });
    expect(saw).toMatchObject({ text: "", broken: expect.stringContaining("SSLError") });
    await until("the audit record", async () => {
      const records = await hub.json<AuditRecord[]>("audit", "--action", "livestatus.refuse");
      return records.some(({ from, tenant, site }) => `${from} ${tenant}/${site}` === "127.1.2.3 acme/main");
    });
  });
});

describe.skipIf(!hasPython)("an answer over TLS", () => {
  const cases = VERSIONS.flatMap(([name, tls12]) =>
    (["notify", "fin"] as const).map((half_close) => ({ name, tls12, half_close })),
  );
  test.each(cases)(
    "comes whole to one who ends its sending direction, $name $half_close",
    async ({ tls12, half_close }) => {
      expect(await look("site", { tls12, half_close, raw: `GET hosts\n${FIXED}\n` })).toMatchObject({
        text: ANSWER,
      });
      expect(await look("site", { tls12, half_close, raw: `GET hosts\n` })).toMatchObject({ text: ANSWER });
    },
  );

  test.each(VERSIONS)("that is long comes whole, also to one who reads late, %s", async (_, tls12) => {
    for (const stall of [0, 1.5]) {
      const { length, sha256, broken } = await look("site", { tls12, stall, raw: "GET long\n\n" });
      const whole = createHash("sha256").update(LONG_ANSWER).digest("hex");
      expect({ length, sha256, broken }).toEqual({ length: LONG, sha256: whole, broken: undefined });
    }
  });

  test.each(VERSIONS)("that is cut is never taken for whole, %s", async (_, tls12) => {
    const half = await look("site", { tls12, raw: "GET half\n\n" });
    expect(half).toMatchObject({ text: "half of the ans", broken: expect.stringContaining("SSLError") });
    for (const stall of [0, 1.5]) {
      const saw = await look("site", { tls12, stall, raw: "GET longhalf\n\n" });
      expect(saw.broken).toContain("SSLError");
      expect(saw.length).toBeGreaterThan(0);
    }
  });

  test.each(VERSIONS)("that does not come is never taken for an empty one, %s", async (_, tls12) => {
    const saw = await look("other absent", { tls12, raw: "GET hosts\n\n" });
    expect(saw).toMatchObject({ length: 0, broken: expect.stringContaining("SSLError") });
  });
});

describe("an address that is not in only_from", () => {
  test("is reset at once, and that is logged and audited", async () => {
    for (const name of ["site", "plain"] as const) {
      const client = await plainClient(name, "127.0.0.9").over();
      expect(client).toMatchObject({ broken: "ECONNRESET", received: 0, ended: false });
      await logged(name, /viewer refused .*client=127.0.0.9 reason="its address is not in only_from"/);
      await until("the audit record", async () => (await audit(name)).length > 0);
      expect((await audit(name))[0]).toMatchObject({
        who: "client",
        from: "127.0.0.9",
        tenant: "acme",
        site: "main",
        detail: `at ${HOST}:${portOf(name)}; its address is not in only_from`,
      });
    }
  });

  test("learns nothing of whether there is a view", async () => {
    const seen = [];
    for (const name of ["site", "other absent"] as const) {
      const client = await plainClient(name, "127.0.0.9").over();
      seen.push([client.broken, client.ended, client.received]);
    }
    expect(seen[0]).toEqual(seen[1]);
  });

  test("that comes a hundred times fills neither log nor audit: the rest is counted", async () => {
    const before = (await audit("site")).length;
    const all = Array.from({ length: 100 }, () => plainClient("site", "127.0.0.10").over());
    await Promise.all(all);
    // the first of the next second says how many there were
    let records: AuditRecord[] = [];
    await until("the count", async () => {
      await plainClient("site", "127.0.0.10").over();
      records = await audit("site");
      const counted = records
        .slice(before)
        .map(({ detail }) => Number(/only_from; (\d+) more before/.exec(detail)?.[1] ?? 0));
      return counted.reduce((sum, each) => sum + each, 0) > 80;
    });
    expect(records.length - before).toBeLessThan(20);
  });

  test("one of IPv4 that comes to a socket of IPv6 is held against rules of IPv4", async () => {
    const [host, port] = [HOST, portOf("both")];
    const outsider = await plainClient("both", "127.0.0.9").over();
    expect(outsider.broken).toBe("ECONNRESET");
    await logged("both", /viewer refused .*client=127.0.0.9 /);
    if (!hasPython) return;
    for (const each of [host, "::1"]) {
      expect(await python({ host: each, port, ca: ownAuthority(), queries: ["GET hosts"] })).toMatchObject({
        answers: [{ code: 200 }],
      });
    }
  });
});

describe.skipIf(!hasPython)("client certificates", () => {
  const QUERY = { raw: "GET hosts\n\n", timeout: 0.5 };

  test.each(VERSIONS)("of the right authority are let in, %s", async (_, tls12) => {
    const own = await authority.issue("client", { host: "viewer.example", role: "client" });
    expect(await look("clients", { ...QUERY, ...own, tls12 })).toMatchObject({ text: ANSWER });
  });

  test.each(VERSIONS)(
    "of another, expired, of a server or none are refused: never an empty answer, %s",
    async (_, tls12) => {
      const folder = join(lab.folder, `stranger-${tls12}`);
      mkdirSync(folder);
      const stranger = await makeAuthority(folder);
      const wrong = {
        none: {},
        "another authority": await stranger.issue("client", { role: "client" }),
        expired: await authority.issue("late-client", { role: "client", from: -30, to: -1 }),
        "a server": await authority.issue("server", { role: "server" }),
      };
      for (const [name, pair] of Object.entries(wrong)) {
        const saw = await look("clients", { ...QUERY, ...pair, tls12 });
        // said within the connection, or, with TLS 1.2, while it is made
        expect([name, saw.length ?? 0, saw.broken ?? saw.failed]).toEqual([
          name,
          0,
          expect.stringMatching(/SSL|reset/),
        ]);
      }
      await logged(
        "clients",
        /viewer refused .*reason="it(s certificate is not accepted| shows no certificate)/,
      );
      await until("the audit record", async () => (await audit("clients")).length > 0);
    },
  );
});

describe("a client that does not set up TLS", () => {
  const HELLO = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);

  test("is cut off when its time is over, and makes nobody else wait", async () => {
    const slow = plainClient("busy");
    const drip = setInterval(() => slow.socket.write(HELLO.subarray(0, 1)), 50);
    onTestFinished(() => clearInterval(drip));
    await slow.send(HELLO);
    if (hasPython)
      expect(await look("busy", { queries: ["GET hosts"] })).toMatchObject({ answers: [{ code: 200 }] });
    await slow.over();
    expect(slow.received).toBe(0);
    await logged("busy", /viewer failed .*reason="it did not set up TLS within 1 s"/);
  });

  test("says nothing at all: the same", async () => {
    expect((await plainClient("tenant").over()).received).toBe(0);
    await logged("tenant", /viewer failed .*reason="it did not set up TLS within 1 s"/);
  });

  test("and others like it are only so many at a time", async () => {
    const held = Array.from({ length: 3 }, () => plainClient("files"));
    await Promise.all(held.map((client) => once(client.socket, "connect")));
    const another = await plainClient("files").over();
    expect(another).toMatchObject({ broken: "ECONNRESET" });
    await logged("files", /viewer failed .*reason="too many are setting up TLS"/);
    for (const client of held) client.socket.destroy();
    if (hasPython) {
      await until("room for another", async () => {
        const { answers } = await look("files", { ca: authority.file, queries: ["GET hosts"], timeout: 0.3 });
        return answers?.[0]?.code === 200;
      });
    }
  });

  test("but plain text instead is reset, never ended, and that is logged", async () => {
    for (const text of ["GET hosts\n\n", "COMMAND [1700000000] ADD_X\n\n", "\n", "LQL"]) {
      const client = await (await plainClient("all").send(text)).over();
      expect([text, client.broken, client.received]).toEqual([text, "ECONNRESET", 0]);
    }
    await logged("all", /viewer failed .*reason="it does not speak TLS, which is needed here"/);
  });

  test.skipIf(!hasPython)("and does where it is off: the same", async () => {
    expect((await look("plain", { queries: ["GET hosts"], timeout: 0.3 })).answers).toBeUndefined();
    await logged("plain", /viewer failed .*reason="it speaks TLS, which is off here"/);
    expect((await (await plainClient("plain").send(`GET hosts\n${FIXED}\n`)).over()).bytes.toString()).toBe(
      ANSWER,
    );
  });

  test.skipIf(!hasPython)("all at once does so byte by byte", async () => {
    const relay = createServer((socket) => {
      const hub = connect(portOf("site"), HOST);
      for (const each of [socket, hub]) each.setNoDelay(true).on("error", () => {});
      socket.on("data", async (chunk: Buffer) => {
        socket.pause();
        for (const byte of chunk) {
          hub.write(Buffer.of(byte));
          await new Promise(setImmediate);
        }
        socket.resume();
      });
      hub.pipe(socket);
      socket.on("close", () => hub.destroy());
    });
    onTestFinished(() => void relay.close());
    await once(relay.listen(0, HOST), "listening");
    const { port } = relay.address() as AddressInfo;
    expect(await look("site", { port, queries: ["GET hosts"] })).toMatchObject({
      answers: [{ code: 200, body: "ok" }],
    });
  });
});

describe("a view", () => {
  test("that is not there is no error at the start: connections are closed until it is", async () => {
    const early = await (await plainClient("absent").send(`GET hosts\n${FIXED}\n`)).over();
    expect(early).toMatchObject({ broken: "ECONNRESET", received: 0 });
    await logged(
      "absent",
      /viewer has nothing to see .* view=acme\/later client=127.0.0.1 reason="there is no site acme\/later"/,
    );
    await hub.addSite("acme/later");
    const later = await (await plainClient("absent").send(`GET hosts\n${FIXED}\n`)).over();
    expect(later.bytes.toString()).toBe(
      "502          76\nthe site is not connected: its agent has not come since the hub was started\n",
    );
    const waiting = plainClient("absent");
    await once(waiting.socket, "connect");
    await until("the client to be counted", async () => (await state("absent")).clients === 1);
    await hub.ok("site", "remove", "acme/later");
    expect((await waiting.over()).broken).toBe("ECONNRESET");
    expect((await plainClient("absent").over()).broken).toBe("ECONNRESET");
  });

  test("of a site that is disabled answers with the reason", async () => {
    await hub.addSite("acme/off");
    await hub.ok("site", "disable", "acme/off");
    const saw = await (await plainClient("plain").send(`GET hosts\n${FIXED}\n`)).over();
    expect(saw.bytes.toString()).toBe(ANSWER);
    await hub.ok("site", "disable", "acme/main");
    const off = await (await plainClient("plain").send(`GET hosts\n${FIXED}\n`)).over();
    expect(off.bytes.toString()).toMatch(/^502 +\d+\n.*disabled/);
    await hub.ok("site", "enable", "acme/main");
    await agent.stop();
    await agent.start();
    await until(
      "the core to be seen",
      async () => (await hub.site("acme/main")).livestatus.state === "online",
    );
  });
});

async function state(name: Name): Promise<ViewerState> {
  const all = await hub.json<ViewerState[]>("endpoints");
  const found = all.find(({ port }) => port === portOf(name));
  if (!found) throw new Error(`${name} is not listed`);
  return found;
}

test("farsite-hub endpoints lists viewers", async () => {
  expect(await state("clients")).toEqual({
    tenant: "acme",
    site: "main",
    service: "livestatus",
    address: HOST,
    port: portOf("clients"),
    state: "listening",
    clients: 0,
    tls: "self",
    clientCertificates: true,
  });
  expect(await state("plain")).toMatchObject({ tls: "off", onlyFrom: ["127.0.0.0/29", "127.1.0.0/16"] });
  const table = await hub.ok("endpoints");
  expect(table).toMatch(
    new RegExp(`^\\*/\\* +livestatus +127.0.0.1:${portOf("all")} +listening +0 +for viewers, TLS$`, "m"),
  );
  expect(table).toMatch(new RegExp(`^acme/\\* .*:${portOf("tenant")} `, "m"));
});

describe("a hub that starts", () => {
  test("and cannot have an address says so, and works for the rest", async () => {
    const taken = createServer().listen(0, HOST);
    onTestFinished(() => void taken.close());
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const other = await lab.startHub({ viewer: [{ listen: `${HOST}:${port}`, view: "*" }] });
    await until("the log line", () =>
      /endpoint cannot be opened viewer=\S+ view="\*" reason=/.test(other.process.output),
    );
    expect(await other.json<ViewerState[]>("endpoints")).toContainEqual(
      expect.objectContaining({ port, state: "failed", reason: expect.stringContaining("EADDRINUSE") }),
    );
    await other.stop();
  });

  test("and cannot use a certificate names key and file", async () => {
    const path = (name: string) => join(lab.folder, name);
    writeFileSync(
      path("damaged.pem"),
      readFileSync(authority.file, "utf8").replace(/\n[A-Za-z0-9+/]{20}/, "\n????"),
    );
    const good = await authority.issue("sound");
    const cases = [
      [
        { tls: "files", certificate: path("none.pem"), key: good.key },
        `viewer.0.certificate ${path("none.pem")} cannot be read`,
      ],
      [
        { tls: "files", certificate: good.certificate, key: path("none.pem") },
        `viewer.0.key ${path("none.pem")} cannot be read`,
      ],
      [
        { tls: "files", certificate: good.certificate, key: expired.key },
        "the key does not belong to the certificate",
      ],
      [
        { tls: "self", client_authorities: path("none.pem") },
        `viewer.0.client_authorities ${path("none.pem")} cannot be read`,
      ],
      [
        { tls: "self", client_authorities: path("damaged.pem") },
        `viewer.0.client_authorities ${path("damaged.pem")}`,
      ],
    ] as const;
    for (const [settings, message] of cases) {
      const broken = await lab.makeHub({
        viewer: [{ listen: `${HOST}:${await freePort()}`, view: "*", ...settings }],
      });
      const { code, stderr } = await broken.call(["serve"]);
      expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
      expect(stderr).toContain("[E_CONFIG]");
    }
  });

  test("keeps its authority as long as its host stays the same", async () => {
    const other = await lab.startHub({
      viewer: [{ listen: `${HOST}:${await freePort()}`, view: "*", tls: "self" }],
    });
    const file = join(other.stateDir, "viewer-authority.pem");
    const before = readFileSync(file, "utf8");
    await other.stop();
    await other.start();
    expect(readFileSync(file, "utf8")).toBe(before);
    await other.stop();
    other.configure({ url: `wss://localhost:${other.port}` });
    await other.start();
    expect(readFileSync(file, "utf8")).not.toBe(before);
    expect(other.process.output).toContain("the authority for viewers was for another host");
    await other.stop();
  });
});

test.skipIf(!hasPython)("a hub that stops breaks off what it was saying", async () => {
  const saw = look("site", { raw: "GET hang\n\n" });
  await until("the client to be there", async () => (await state("site")).clients > 0);
  await hub.stop();
  expect(await saw).toMatchObject({ length: 0, broken: expect.stringMatching(/SSLError/) });
  await hub.start();
});
