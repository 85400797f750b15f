/** Carriers over plain requests on real sockets: straight, and through what stands on the way. */
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { CarrierBlocked } from "../../../agent/tunnel/blocked.ts";
import { WINDOW } from "../../../common/carrier/https/index.ts";
import { type Carrier, MAX_MESSAGE } from "../../../common/carrier/index.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { hubConfig } from "../../../hub/config/index.ts";
import { loadTls } from "../../../hub/tls/index.ts";
import { Relay } from "../../e2e/relay.ts";
import { Cleanup, scratchDirectory } from "../../lab/cleanup.ts";
import { freePort, until } from "../../lab/farsite.ts";
import { haveNginx, startNginx } from "../../lab/nginx.ts";
import { dialer, echo, Listening, listening, startListener, TIMEOUT } from "./hub.ts";

const MIB = 1 << 20;
const digest = (data: Buffer) => createHash("sha256").update(data).digest("hex");

/** Cuts `data` into messages of many lengths, among them the shortest and the longest. */
function* cut(data: Buffer): Generator<Buffer> {
  const lengths = [1, MAX_MESSAGE, 100, 4_000, 16_384, 65_000];
  for (let at = 0, n = 0; at < data.length; n++) {
    const length = lengths[n % lengths.length] as number;
    yield data.subarray(at, at + length);
    at += length;
  }
}

/** What is undone at the end of the test. */
function ownCleanup(): Cleanup {
  const cleanup = new Cleanup();
  onTestFinished(() => cleanup.run());
  return cleanup;
}

/** A hub's certificate, made by itself. */
async function selfMade() {
  const cleanup = ownCleanup();
  const folder = scratchDirectory(cleanup, "tls");
  const tls = await loadTls(hubConfig.parse({ url: "wss://127.0.0.1" }), folder);
  if (!tls) throw new Error("there is no certificate");
  return tls;
}

/** A proxy that takes every request and every answer whole before it passes them on, and knows no Upgrade. */
function startBuffering(toPort: number): number {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const headers = new Headers(request.headers);
      for (const hop of ["upgrade", "connection"]) headers.delete(hop);
      const body = await request.arrayBuffer();
      const answer = await fetch(`http://127.0.0.1:${toPort}${pathname}`, {
        method: request.method,
        headers,
        ...(request.method === "POST" && { body }),
      });
      const { status } = answer;
      return new Response(await answer.arrayBuffer(), { status, headers: answer.headers });
    },
  });
  onTestFinished(() => server.stop(true));
  return server.port as number;
}

const nginx =
  (extra = "", location = "") =>
  async (port: number) =>
    `ws://127.0.0.1:${await startNginx(port, ownCleanup(), extra, location)}`;

const ways: [string, (port: number) => Promise<string> | string, boolean][] = [
  ["straight", (port) => `ws://127.0.0.1:${port}`, true],
  ["through a proxy that buffers whole", (port) => `ws://127.0.0.1:${startBuffering(port)}`, true],
  ["through nginx", nginx(), haveNginx],
  [
    "through nginx that passes all at once",
    nginx("", "proxy_buffering off; proxy_request_buffering off;"),
    haveNginx,
  ],
  ["through nginx that closes connections after 3 requests", nginx("keepalive_requests 3;"), haveNginx],
  [
    "through nginx that is told of WebSockets",
    nginx(
      "",
      'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";',
    ),
    haveNginx,
  ],
  ["through nginx that keeps no connections", nginx("keepalive_timeout 0;"), haveNginx],
];

describe.each(ways.map(([name, way, possible]) => ({ name, way, possible })))(
  "$name",
  ({ way, possible }) => {
    test.skipIf(!possible)("16 MiB go each way at once, whole and in order", async () => {
      const ups: Listening[] = [];
      const { port } = startListener(async (carrier) => void ups.push(new Listening(carrier)));
      const near = new Listening(await dialer()({ url: await way(port), timeout: TIMEOUT }));
      const far = ups[0] as Listening;
      const [up, down] = [randomBytes(16 * MIB), randomBytes(16 * MIB)];
      await Promise.all([
        near.send(cut(up)),
        far.send(cut(down)),
        near.until(down.length),
        far.until(up.length),
      ]);
      expect(digest(Buffer.concat(far.messages))).toBe(digest(up));
      expect(digest(Buffer.concat(near.messages))).toBe(digest(down));
      expect(near.messages.map((message) => message.length)).toEqual(
        [...cut(down)].map((each) => each.length),
      );
      near.carrier.close("done");
      expect(await near.closed).toBe("done");
      expect(await far.closed).toBe("closed by the agent");
    });

    test.skipIf(!possible)("questions are answered one by one, and the hub has the last word", async () => {
      const hub = startListener(echo);
      const near = new Listening(await dialer()({ url: await way(hub.port), timeout: TIMEOUT }));
      let asked = 0;
      for (let n = 0; n < 50; n++) {
        const question = Buffer.from(`question ${n}`);
        near.carrier.send(question);
        asked += question.length;
        await near.until(asked);
      }
      expect(String(near.messages.at(-1))).toBe("question 49");
      hub.carriers[0]?.send(Buffer.from("farewell"));
      hub.carriers[0]?.close("E_KEY_REVOKED");
      expect(await near.closed).toBe("E_KEY_REVOKED");
      expect(String(near.messages.at(-1))).toBe("farewell");
    });
  },
);

describe("with TLS", () => {
  test("it gets through when the certificate is trusted, over few connections", async () => {
    const tls = await selfMade();
    const hub = startListener(echo, tls);
    const near = new Listening(
      await dialer([tls.certificate])({ url: `wss://127.0.0.1:${hub.port}`, timeout: TIMEOUT }),
    );
    near.carrier.send(Buffer.from("hello"));
    await near.until(5);
    near.carrier.close("done");
    await near.closed;
  });

  test("it does not when the certificate is not trusted", async () => {
    const hub = startListener(echo, await selfMade());
    const failure = dialer()({ url: `wss://127.0.0.1:${hub.port}`, timeout: TIMEOUT });
    await expect(failure).rejects.toMatchObject({ code: "E_TLS_UNTRUSTED" });
    await expect(failure).rejects.not.toBeInstanceOf(CarrierBlocked);
    expect(hub.carriers).toEqual([]);
  });
});

describe("what answers in the hub's place", () => {
  /** Dials a server that does this with a connection. */
  async function dialStranger(answer: string | undefined, timeout = TIMEOUT): Promise<unknown> {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => answer !== undefined && socket.end(answer));
    });
    onTestFinished(() => void server.close());
    server.listen(0, "127.0.0.1");
    await listening(server);
    const { port } = server.address() as { port: number };
    return dialer()({ url: `ws://127.0.0.1:${port}`, timeout }).catch((error: unknown) => error);
  }

  test.each([
    ["a page", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "E_CAPTIVE_PORTAL", "HTTP status 200"],
    [
      "a hub's name that is none",
      "HTTP/1.1 200 OK\r\nFarsite-Carrier: ../x\r\nContent-Length: 0\r\n\r\n",
      "E_CAPTIVE_PORTAL",
      "HTTP status 200",
    ],
    [
      "a login",
      "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
      "E_CAPTIVE_PORTAL",
      "HTTP status 302",
    ],
    ["something overloaded", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "E_HUB_BUSY", "takes no more"],
    ["no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "E_NOT_A_HUB", "did not answer as a Farsite hub"],
    [
      "an endless header",
      `HTTP/1.1 200 OK\r\n${"X: aaaaaaaaaaaa\r\n".repeat(5_000)}`,
      "E_NOT_A_HUB",
      "did not answer as a Farsite hub",
    ],
    [
      "more than an answer may hold",
      `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${"a".repeat(1_000_000)}`,
      "E_NOT_A_HUB",
      "did not answer as a Farsite hub",
    ],
    [
      "half an answer",
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
      "E_NOT_A_HUB",
      "did not answer as a Farsite hub",
    ],
    ["nothing, and hangs up", "", "E_NOT_A_HUB", "did not answer as a Farsite hub"],
  ])("%s is named, and another kind of carrier may be tried", async (_, answer, code, words) => {
    const failure = await dialStranger(answer);
    expect(failure).toBeInstanceOf(CarrierBlocked);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  test("silence is waited for as long as there is time", async () => {
    const failure = await dialStranger(undefined, 300);
    expect(failure).toBeInstanceOf(CarrierBlocked);
    expect(failure).toMatchObject({
      code: "E_HTTP_TIMEOUT",
      message: expect.stringContaining("did not answer the request for an HTTPS carrier in time"),
    });
  });

  test("where nobody listens, no other kind of carrier would get through", async () => {
    const url = `ws://127.0.0.1:${await freePort()}`;
    const failure = await dialer()({ url, timeout: TIMEOUT }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FarsiteError);
    expect(failure).not.toBeInstanceOf(CarrierBlocked);
    expect(failure).toMatchObject({ code: "E_HUB_UNREACHABLE" });
  });

  test("a hub that is busy says so itself: no other kind is tried", async () => {
    const hub = startListener(() => new Promise(() => {}), undefined, { handshakes: 1 });
    const url = `ws://127.0.0.1:${hub.port}`;
    const first = await dialer()({ url, timeout: TIMEOUT });
    const failure = await dialer()({ url, timeout: TIMEOUT }).catch((error: unknown) => error);
    expect(failure).not.toBeInstanceOf(CarrierBlocked);
    expect(failure).toMatchObject({ code: "E_HUB_BUSY" });
    first.close("done");
  });
});

test("when all connections break, the agent's end closes, and the hub's keeps what it is sent for whoever asks", async () => {
  const hub = startListener(echo);
  const cleanup = ownCleanup();
  const relay = await Relay.start(hub.port, cleanup);
  const url = `ws://127.0.0.1:${relay.port}`;
  const near = new Listening(await dialer()({ url, timeout: TIMEOUT }));
  near.carrier.send(Buffer.from("hello"));
  await near.until(5);
  // and nothing listens there any more
  await cleanup.run();
  expect(await near.closed).toMatch(/connect|socket|broke/i);
  const far = hub.carriers[0] as Carrier;
  await until("the hub to notice", () => {
    far.send(Buffer.from("x"));
    return far.unsent > 0;
  });
});

test("connections that break between requests are opened again, and nothing is lost", async () => {
  const hub = startListener(echo);
  const cleanup = ownCleanup();
  const relay = await Relay.start(hub.port, cleanup);
  const near = new Listening(await dialer()({ url: `ws://127.0.0.1:${relay.port}`, timeout: TIMEOUT }));
  for (let n = 1; n <= 10; n++) {
    near.carrier.send(Buffer.from("hello"));
    await near.until(5 * n);
    const { taken } = relay;
    relay.cut();
    // each request for messages is sent once more
    await until("new connections", () => relay.taken >= taken + WINDOW);
  }
  expect(near.messages.map(String)).toEqual(Array(10).fill("hello"));
});
