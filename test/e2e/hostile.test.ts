import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ENROLMENT, encodeFirst, SESSION } from "../../common/handshake/preamble.ts";
import { FarsiteLab, type TestAgent, type TestHub, until } from "../lab/farsite.ts";
import { Client, placesOf } from "./client.ts";
import { SeededBytes } from "./fuzz.ts";
import { type FrameOptions, openTls, RawWebSocket } from "./raw-websocket.ts";
import { expectNoTrace, expectRefusal } from "./refusal.ts";
import { manners, Target } from "./target.ts";

/** Handshakes that the hub takes at once. */
const HANDSHAKES = 10;
/** MiB by which the hub may have grown at the worst moment of all this. */
const MOST_GROWTH = 64;
const PATH = "acme/main";

const lab = new FarsiteLab();
const target = await Target.start(manners.echo, lab.cleanup);
let hub: TestHub;
let agent: TestAgent;
let before: { mib: number; files: number };

/** What the hub's process has: most memory so far in MiB, and open files now (proc_pid_status(5)). */
function held(): { mib: number; files: number } {
  const { pid } = hub.process;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    mib: Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024,
    files: readdirSync(`/proc/${pid}/fd`).length,
  };
}

beforeAll(async () => {
  hub = await lab.startHub({
    limits: { handshake_seconds: 1, handshakes: HANDSHAKES, refusals_per_minute: 100_000 },
  });
  agent = await lab.connect(hub, PATH, { services: { notify: target.name } });
  before = held();
});

// after each attack all is as it was: the connected agent serves, another gets in, nothing is left open
afterEach(async () => {
  const client = await Client.to(placesOf(await hub.endpoint(PATH, "notify")).tcp).send("GET hosts\n");
  expect((await client.end().all()).toString()).toBe("GET hosts\n");
  await client.closed;
  await until("what was opened to be closed", () => held().files <= before.files);
  await agent.stop();
  await agent.start();
  await hub.reaches(PATH, "connected");
  expectNoTrace(hub.process.output);
  expect(held().mib - before.mib).toBeLessThan(MOST_GROWTH);
});

afterAll(() => lab.end());

/** Resolves when a connection is gone. */
const gone = (socket: Socket) => new Promise<void>((resolve) => void socket.once("close", () => resolve()));

/** So many at once of what `make` makes. */
const many = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

test("connections that say nothing, or never finish saying it, are cut", async () => {
  const sockets: Socket[] = Array.from({ length: 200 }, () => connect(hub.port, "127.0.0.1"));
  for (const socket of sockets) socket.on("error", () => {}).resume();
  sockets.push(...(await many(50, async () => (await openTls(hub.port)).resume())));
  const openings = [
    "G",
    "GET / HTTP/1.1\r\nHost: hub\r\n",
    "POST / HTTP/1.1\r\nHost: hub\r\nContent-Length: 9\r\n\r\n",
  ];
  for (const opening of openings) {
    const socket = await openTls(hub.port);
    sockets.push(socket.resume());
    socket.write(opening);
    const dribble = setInterval(() => socket.write("a"), 500);
    socket.once("close", () => clearInterval(dribble));
  }
  await Promise.all(sockets.map(gone));
});

describe("a WebSocket", () => {
  test("that is silent is cut when its handshake takes too long", async () => {
    const raw = await (await RawWebSocket.open(hub.port)).closed;
    expect(raw).toMatchObject({ status: 101, closeCode: 1000, messages: [] });
    await until("the log line", () => /agent refused .*code=E_HANDSHAKE_TIMEOUT/.test(hub.process.output));
  });

  test("that keeps itself alive with pings is cut all the same", async () => {
    const raw = await RawWebSocket.open(hub.port);
    const pings = setInterval(() => raw.send(Buffer.from("ping"), { opcode: 9 }), 50);
    await raw.closed;
    clearInterval(pings);
  });

  test("that babbles is cut", async () => {
    const bytes = new SeededBytes(1);
    const babblers = await many(HANDSHAKES, () => RawWebSocket.open(hub.port));
    for (const raw of babblers) {
      expect(raw.status).toBe(101);
      for (let times = 0; times < 200; times++) raw.send(bytes.take(1000));
    }
    await Promise.all(babblers.map((raw) => raw.closed));
  });

  test("that begins well and babbles on is cut", async () => {
    const bytes = new SeededBytes(2);
    const raw = await RawWebSocket.open(hub.port);
    for (let times = 0; times < 200; times++) raw.send(encodeFirst(SESSION, bytes.take(96)));
    await raw.closed;
  });

  const text = Buffer.from("hello");
  test.each<[string, Uint8Array, FrameOptions, number | undefined]>([
    ["a text", text, { opcode: 1 }, 1003],
    ["a message that is too long", Buffer.alloc(65_536), {}, undefined],
    ["a message that says it is far too long", text, { claimed: 2 ** 40 }, undefined],
    ["a length with its highest bit set", text, { claimed: Number.MAX_SAFE_INTEGER }, undefined],
    ["a frame without a mask", text, { masked: false }, undefined],
    ["a frame with reserved bits", text, { reserved: 4 }, undefined],
    ["an unknown frame", text, { opcode: 5 }, undefined],
    ["a continuation of nothing", text, { opcode: 0 }, undefined],
    ["a ping that is too long", Buffer.alloc(200), { opcode: 9 }, undefined],
    ["a ping in parts", text, { opcode: 9, fin: false }, undefined],
  ])("that sends %s is cut", async (_, payload, options, code) => {
    const raw = await RawWebSocket.open(hub.port);
    raw.send(payload, options);
    await raw.closed;
    if (code !== undefined) expect(raw.closeCode).toBe(code);
    expect(raw.messages).toEqual([]);
  });

  test("that sends one message in endless parts is cut", async () => {
    const raw = await RawWebSocket.open(hub.port);
    raw.send(Buffer.alloc(1000), { fin: false });
    for (let parts = 0; parts < 100; parts++) raw.send(Buffer.alloc(1000), { opcode: 0, fin: false });
    await raw.closed;
    expect(raw.messages).toEqual([]);
  });

  test("that sends one message in endless empty parts is cut", async () => {
    const raw = await RawWebSocket.open(hub.port);
    raw.send(Buffer.alloc(1), { fin: false });
    for (let parts = 0; parts < 20_000; parts++) raw.send(Buffer.alloc(0), { opcode: 0, fin: false });
    await raw.closed;
  });
});

test("more handshakes than the hub takes at once are turned away, and do not stop it", async () => {
  const busy = await lab.startHub({ limits: { handshake_seconds: 60, handshakes: HANDSHAKES } });
  const served = await lab.connect(busy, PATH, { services: { notify: target.name } });
  const { token } = await busy.addSite("acme/second");

  const opened = await many(100, () => RawWebSocket.open(busy.port));
  expect(opened.filter((raw) => raw.status === 101)).toHaveLength(HANDSHAKES);
  expect(opened.filter((raw) => raw.status === 503)).toHaveLength(100 - HANDSHAKES);
  expectRefusal(await lab.makeAgent().enroll(token), "E_HUB_BUSY", busy.url, "Wait a minute");
  expect((await served.status()).state).toBe("connected");
  const client = await Client.to(placesOf(await busy.endpoint(PATH, "notify")).tcp).send("still here");
  expect((await client.end().all()).toString()).toBe("still here");

  for (const raw of opened) raw.socket.destroy();
  await until("room for another", async () => (await lab.makeAgent().enroll(token)).code === 0);
  await Promise.all([served.stop(), busy.stop()]);
});

test("one address cannot take all the handshakes that there are", async () => {
  const fair = await lab.startHub({
    limits: { handshake_seconds: 60, handshakes: 3 * HANDSHAKES, handshakes_per_address: HANDSHAKES },
  });
  const [greedy, modest] = ["127.0.0.2", "127.0.0.3"];
  const opened = await many(3 * HANDSHAKES, () => RawWebSocket.open(fair.port, greedy));
  expect(opened.filter((raw) => raw.status === 101)).toHaveLength(HANDSHAKES);
  const other = await RawWebSocket.open(fair.port, modest);
  expect(other.status).toBe(101);
  for (const raw of [...opened, other]) raw.socket.destroy();
  await fair.stop();
});

describe("HTTP", () => {
  /** What the hub answers to these bytes, until it closes or `enough` came. */
  async function answer(request: string | Uint8Array): Promise<string> {
    const socket = await openTls(hub.port);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.write(request);
    await until("an answer", () => text.includes("\r\n\r\n") || socket.destroyed);
    socket.destroy();
    return text;
  }

  const request = (line: string, ...headers: string[]) =>
    `${[line, "Host: hub", ...headers].join("\r\n")}\r\n\r\n`;
  const upgrade = ["Upgrade: websocket", "Connection: Upgrade"];

  test.each([
    ["an unknown path", request("GET /etc/passwd HTTP/1.1"), /^HTTP\/1.1 404 /],
    ["a path that leads up", request("GET /../../etc/passwd HTTP/1.1"), /^HTTP\/1.1 404 /],
    ["an admin's path", request("GET /status HTTP/1.1"), /^HTTP\/1.1 404 /],
    [
      "a batch in chunks",
      request("POST /tunnel/up HTTP/1.1", "Transfer-Encoding: chunked"),
      /^HTTP\/1.1 404 /,
    ],
    ["the wrong method", request("GET /tunnel/down HTTP/1.1"), /^HTTP\/1.1 405 /],
    ["the tunnel without a WebSocket", request("GET /tunnel HTTP/1.1"), /^HTTP\/1.1 426 /],
    ["an upgrade without a key", request("GET /tunnel HTTP/1.1", ...upgrade), /^HTTP\/1.1 4\d\d /],
    ["a body that is too long", request("POST / HTTP/1.1", "Content-Length: 1000000000"), /^HTTP\/1.1 413 /],
    [
      "a header that is too long",
      request("GET / HTTP/1.1", `X: ${"a".repeat(100_000)}`),
      /^(HTTP\/1.1 4\d\d |$)/,
    ],
    ["too many headers", request("GET / HTTP/1.1", ...Array(3000).fill("X: y")), /^(HTTP\/1.1 4\d\d |$)/],
    ["no HTTP", "hello\r\n\r\n", /^(HTTP\/1.1 4\d\d |$)/],
    ["a URL that is none", request("GET http://[ HTTP/1.1"), /^(HTTP\/1.1 4\d\d |$)/],
    ["a host that is none", "GET / HTTP/1.1\r\nHost: [\r\n\r\n", /^(HTTP\/1.1 4\d\d |$)/],
  ])("%s", async (_, text, expected) => {
    const said = await answer(text);
    expect(said).toMatch(expected);
    expectNoTrace(said);
    expect(said).not.toMatch(/Bun|Server:|main\.ts/);
  });

  test("a flood of requests with long headers", async () => {
    const long = request("GET / HTTP/1.1", `X-Long: ${"a".repeat(15_000)}`);
    await many(100, async () => {
      const socket = await openTls(hub.port);
      let said = "";
      socket.on("data", (chunk) => {
        said += chunk.toString("latin1");
      });
      for (let times = 0; times < 50; times++) socket.write(long);
      await until("all answers", () => said.split("HTTP/1.1 404").length === 51);
      socket.destroy();
    });
  });
});

describe("random bytes", () => {
  /** Opens WebSockets, a few at a time, sends each one message, and waits until the hub is done with it. */
  async function fuzz(seed: number, count: number, make: (bytes: SeededBytes) => Uint8Array): Promise<void> {
    const bytes = new SeededBytes(seed);
    for (let done = 0; done < count; done += HANDSHAKES) {
      await many(HANDSHAKES, async () => {
        const message = make(bytes);
        const raw = await RawWebSocket.open(hub.port);
        expect(raw.status).toBe(101);
        raw.send(message);
        await raw.closed;
        // at most one refusal in the open: F, the version, refused
        expect(raw.messages.length).toBeLessThanOrEqual(1);
        for (const said of raw.messages) expect([...said.subarray(0, 3)]).toEqual([0x46, 1, 1]);
      });
    }
  }

  test("as the first message", async () => {
    await fuzz(0xf4, 300, (bytes) => bytes.take(bytes.below(3) === 0 ? bytes.below(8) : bytes.below(6000)));
  });

  test("behind a good beginning", async () => {
    await fuzz(0x51, 300, (bytes) => {
      const kind = bytes.below(2) === 0 ? SESSION : ENROLMENT;
      return encodeFirst(kind, bytes.take(bytes.below(300)));
    });
  });

  test("instead of TLS, and of HTTP", async () => {
    const bytes = new SeededBytes(0x715);
    for (let times = 0; times < 20; times++) {
      const plain = connect(hub.port, "127.0.0.1").on("error", () => {});
      const secure = await openTls(hub.port);
      for (const socket of [plain, secure]) {
        socket.resume();
        socket.end(bytes.take(1 + bytes.below(2000)));
      }
      await Promise.all([gone(plain), gone(secure)]);
    }
  });
});

test("whoever guesses too often is turned away unheard for a while", async () => {
  const strict = await lab.startHub({ limits: { refusals_per_minute: 5 } });
  const guarded = await lab.connect(strict, PATH);
  const statuses: number[] = [];
  for (let times = 0; times < 8; times++) {
    const raw = await RawWebSocket.open(strict.port);
    statuses.push(raw.status);
    if (raw.status === 101) raw.send(Buffer.from("guess"));
    else raw.socket.destroy();
    await raw.closed;
  }
  expect(statuses).toEqual([101, 101, 101, 101, 101, 503, 503, 503]);
  expect((await guarded.status()).state).toBe("connected");
  await Promise.all([guarded.stop(), strict.stop()]);
});
