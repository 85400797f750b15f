/** A hub whose carriers over plain requests are abused. (In the names of these tests, a carrier is one of those.) */
import { request } from "node:https";
import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { encodeBatch } from "../../../common/carrier/https/index.ts";
import { encodeFirst, SESSION } from "../../../common/handshake/preamble.ts";
import { FarsiteLab, freePort, type TestAgent, type TestHub, until } from "../../lab/farsite.ts";
import { Client, placesOf } from "../client.ts";
import { SeededBytes } from "../fuzz.ts";
import { openTls, RawWebSocket } from "../raw-websocket.ts";
import { expectNoTrace } from "../refusal.ts";
import { manners, Target } from "../target.ts";

/** Handshakes that the hub takes at once. */
const HANDSHAKES = 10;
const PATH = "acme/main";

const lab = new FarsiteLab();
const target = await Target.start(manners.echo, lab.cleanup);
let hub: TestHub;
let agent: TestAgent;

beforeAll(async () => {
  hub = await lab.startHub({
    limits: { handshake_seconds: 1, handshakes: HANDSHAKES, refusals_per_minute: 100_000 },
  });
  agent = await lab.connect(hub, PATH, { services: { notify: target.name }, carrier: { kind: "https" } });
});

// after each attack all is as it was: the connected agent serves, on the session that it had
afterEach(async () => {
  const client = await Client.to(placesOf(await hub.endpoint(PATH, "notify")).tcp).send("GET hosts\n");
  expect((await client.end().all()).toString()).toBe("GET hosts\n");
  expect(agent.process.output).not.toContain("connection lost");
  expectNoTrace(hub.process.output);
});

afterAll(() => lab.end());

/** Resolves when a connection is gone. */
const gone = (socket: Socket) => new Promise<void>((resolve) => void socket.once("close", () => resolve()));

/** So many at once of what `make` makes. */
const many = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

interface Answered {
  status: number;
  carrier: string;
  body: Buffer;
}

/** Sends one request with a connection of its own, and waits for the answer. */
function ask(path: string, headers: Record<string, string> = {}, body: Uint8Array = Buffer.alloc(0)) {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const sent = request({
    host: "127.0.0.1",
    port: hub.port,
    path,
    method: "POST",
    rejectUnauthorized: false,
    agent: false,
    headers: { "content-length": body.length, ...headers },
  });
  sent.once("response", (answer) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.once("end", () => {
      const carrier = String(answer.headers["farsite-carrier"] ?? "");
      resolve({ status: answer.statusCode ?? 0, carrier, body: Buffer.concat(chunks) });
    });
  });
  sent.on("error", reject).end(body);
  return promise;
}

const about = (carrier: string, number: number) => ({
  "farsite-carrier": carrier,
  "farsite-number": String(number),
});
const open = async () => (await ask("/tunnel/open")).carrier;
/** Waits until the hub has room for another carrier. */
const hasRoom = () => until("room for another", async () => (await ask("/tunnel/open")).status === 200);

test("more carriers than the hub takes at once are turned away; those that are opened and left are cut", async () => {
  const answers = await many(3 * HANDSHAKES, () => ask("/tunnel/open"));
  const opened = answers.filter((answer) => answer.status === 200);
  expect(opened.length).toBeGreaterThan(0);
  expect(opened.length).toBeLessThanOrEqual(HANDSHAKES);
  expect(answers.filter((answer) => answer.status === 503)).toHaveLength(3 * HANDSHAKES - opened.length);
  const asked = await many(opened.length, (n) =>
    ask("/tunnel/down", about((opened[n] as Answered).carrier, 0)),
  );
  for (const { status, body } of asked) {
    expect([status, String(body)]).toEqual([410, "E_HANDSHAKE_TIMEOUT\n"]);
  }
  await hasRoom();
});

test("a carrier shares its places with WebSockets", async () => {
  await hasRoom();
  const opened = await many(HANDSHAKES, () => RawWebSocket.open(hub.port));
  expect(opened.filter((raw) => raw.status === 101).length).toBeLessThan(HANDSHAKES);
  for (const raw of opened) raw.socket.destroy();
  await hasRoom();
});

test("a carrier that nobody opened is not there, whatever it is called", async () => {
  for (const carrier of ["", "0".repeat(32), "f".repeat(1000), "../../etc/passwd"]) {
    for (const path of ["/tunnel/up", "/tunnel/down", "/tunnel/close"]) {
      expect((await ask(path, about(carrier, 0))).status).toBe(404);
    }
  }
});

test("a carrier that babbles is cut", async () => {
  const bytes = new SeededBytes(3);
  const carrier = await open();
  for (let number = 0; ; number++) {
    const body = encodeBatch([bytes.take(1000), bytes.take(1000)]);
    const { status } = await ask("/tunnel/up", about(carrier, number), body);
    if (status !== 200) {
      expect([404, 410]).toContain(status);
      break;
    }
  }
  await hasRoom();
});

test("a carrier that begins well and babbles on is cut, with the reason", async () => {
  const bytes = new SeededBytes(4);
  const carrier = await open();
  const body = encodeBatch([encodeFirst(SESSION, bytes.take(96)), bytes.take(100), bytes.take(100)]);
  await ask("/tunnel/up", about(carrier, 0), body);
  let answer = await ask("/tunnel/down", about(carrier, 0));
  if (answer.status === 200) answer = await ask("/tunnel/down", about(carrier, 1));
  expect([answer.status, String(answer.body)]).toEqual([410, expect.stringMatching(/^E_/)]);
  await hasRoom();
});

test.each([
  ["random bytes", (bytes: SeededBytes) => bytes.take(bytes.below(8000)), [200, 400]],
  ["more than a handshake needs", (bytes: SeededBytes) => bytes.take(9_000), [413]],
  ["more than a batch may hold", (bytes: SeededBytes) => bytes.take(300_000), [413]],
])("a carrier is unmoved by %s", async (_, make, statuses) => {
  const bytes = new SeededBytes(5);
  for (let times = 0; times < 30; times++) {
    const carrier = await open();
    if (carrier === "") {
      await hasRoom();
      continue;
    }
    expect(statuses).toContain((await ask("/tunnel/up", about(carrier, 0), make(bytes))).status);
    await ask("/tunnel/close", about(carrier, 0));
  }
  await hasRoom();
});

test("a carrier whose batches never end is cut with them, and holds back no more than they may have", async () => {
  const carriers = await many(HANDSHAKES - 1, open);
  const sockets: Socket[] = [];
  for (const carrier of carriers) {
    for (let times = 0; times < 6; times++) {
      const socket = await openTls(hub.port);
      sockets.push(socket.resume());
      socket.write(
        `POST /tunnel/up HTTP/1.1\r\nHost: hub\r\nContent-Length: 8000\r\nFarsite-Carrier: ${carrier}\r\nFarsite-Number: 0\r\n\r\n`,
      );
      const dribble = setInterval(() => socket.write("a"), 500);
      socket.once("close", () => clearInterval(dribble));
    }
  }
  await hasRoom();
  await Promise.all(sockets.map(gone));
});

test("a carrier that is asked hundreds of times at once keeps no more than one of them waiting", async () => {
  const carrier = await open();
  const answers = await many(200, () => ask("/tunnel/down", about(carrier, 0)));
  const statuses = new Set(answers.map((answer) => answer.status));
  expect(statuses).toContain(409);
  // one is held until the handshake's time is over; what came after that found the carrier closed, or gone
  for (const status of statuses) expect([404, 409, 410]).toContain(status);
  await hasRoom();
});

test("whoever sees the requests and slips something in ends that carrier only: its session goes on", async () => {
  const port = await freePort();
  const seen = { carrier: "", number: 0 };
  // an inspecting proxy
  const proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    async fetch(asked) {
      const { pathname } = new URL(asked.url);
      if (pathname === "/tunnel/up") {
        seen.carrier = asked.headers.get("farsite-carrier") ?? "";
        seen.number = Number(asked.headers.get("farsite-number"));
      }
      const headers = new Headers(asked.headers);
      headers.delete("connection");
      const body = await asked.arrayBuffer();
      const answer = await fetch(`http://127.0.0.1:${port}${pathname}`, { method: "POST", headers, body });
      return new Response(await answer.arrayBuffer(), { status: answer.status, headers: answer.headers });
    },
  });
  const seenThrough = await lab.startHub({
    url: `ws://127.0.0.1:${proxy.port}`,
    listen: { port, tls: "off" },
  });
  const inspected = await lab.connect(seenThrough, PATH, {
    services: { notify: target.name },
    carrier: { kind: "https" },
  });
  const client = await Client.to(placesOf(await seenThrough.endpoint(PATH, "notify")).tcp).send("a");
  await until("an answer", () => client.received === 1);
  const before = seen.carrier;
  await until("the carrier to end", async () => {
    await fetch(`http://127.0.0.1:${port}/tunnel/up`, {
      method: "POST",
      headers: { "farsite-carrier": seen.carrier, "farsite-number": String(seen.number + 1) },
      body: encodeBatch([Buffer.alloc(100, 1)]),
    });
    return inspected.process.output.includes("connection lost");
  });
  await until("another carrier", async () => {
    const { state } = await seenThrough.site(PATH);
    return seen.carrier !== before && state === "connected";
  });
  await client.send("b");
  expect((await client.end().all()).toString()).toBe("ab");
  await Promise.all([inspected.stop(), seenThrough.stop()]);
  await proxy.stop(true);
});
