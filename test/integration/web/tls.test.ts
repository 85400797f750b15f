/** The web interface at a real address: TLS, who may come, and what the network can do wrong. */

import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { type KeyedCertificate, selfSigned } from "../../../hub/tls/index.ts";
import { listenWeb } from "../../../hub/web/index.ts";
import type { WebEnv } from "../../../hub/web/site/index.ts";
import { PASSWORD, webRig } from "../../unit/web/rig.ts";

const HOST = "hub.example";

async function listening(more = "") {
  const rig = await webRig({ web: more });
  await rig.addUser("alice", "operator");
  const certificate: KeyedCertificate = await selfSigned(HOST, Date.now());
  const tls = rig.web.tls === "off" ? undefined : certificate;
  const listener = listenWeb({ ...rig.web, port: 0 }, tls, rig.app);
  onTestFinished(() => listener.stop());
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${tls ? "https" : "http"}://127.0.0.1:${listener.port}${path}`, {
      redirect: "manual",
      ...init,
      headers: { host: HOST, origin: `https://${HOST}`, ...init.headers },
      ...(tls && { tls: { ca: certificate.certificate, serverName: HOST } }),
    } as BunFetchRequestInit);
  const login = () =>
    ask("/login", { method: "POST", body: new URLSearchParams({ name: "alice", password: PASSWORD }) });
  return { ...rig, listener, ask, login };
}

test("a browser logs in over TLS, with the address that it comes from in the audit", async () => {
  const { ask, login, world } = await listening();
  expect((await ask("/login")).status).toBe(200);
  const done = await login();
  expect([done.status, done.headers.get("location")]).toEqual([303, "/"]);
  const cookie = (done.headers.get("set-cookie") ?? "").split(";")[0] as string;
  expect((await ask("/login", { headers: { cookie } })).status).toBe(303);
  const [record] = await world.registry.records({ limit: 1, action: "login" });
  expect(record).toMatchObject({ who: "user alice", from: "127.0.0.1" });
});

test("whoever is not among those who may come gets no further", async () => {
  const { ask } = await listening('only_from = ["192.0.2.0/24"]');
  const answer = await ask("/login");
  expect([answer.status, await answer.text()]).toEqual([403, "not from here\n"]);
  expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
});

test("behind a reverse proxy the address is what that noted last, and only such count", async () => {
  const { ask, login, world } = await listening('tls = "off"\nonly_from = ["192.0.2.0/24"]');
  const from = async (forwarded: string) =>
    (await ask("/login", { headers: { "x-forwarded-for": forwarded } })).status;
  expect(await from("192.0.2.9")).toBe(200);
  expect(await from("198.51.100.7, 192.0.2.9")).toBe(200);
  expect(await from("192.0.2.9, 198.51.100.7")).toBe(403);
  expect(await from("nonsense")).toBe(403);
  expect((await login()).status).toBe(403);
  expect(await world.registry.records({ limit: 10, action: "login" })).toEqual([]);
});

test("with TLS nobody's word is taken for the address", async () => {
  const { ask } = await listening('only_from = ["192.0.2.0/24"]');
  expect((await ask("/login", { headers: { "x-forwarded-for": "192.0.2.9" } })).status).toBe(403);
});

test("a body without end is cut off, and others are served meanwhile", async () => {
  const { ask } = await listening("largest_request_kib = 1");
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    async pull(controller) {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536).fill(97));
      if (sent > 64 << 20) controller.close();
    },
  });
  const answer = await ask("/login", {
    method: "POST",
    body: endless,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  }).then(
    ({ status }) => status,
    () => "cut",
  );
  expect([413, "cut"]).toContain(answer);
  expect(sent).toBeLessThan(64 << 20);
  expect((await ask("/login")).status).toBe(200);
});

test("what is no TLS, or no HTTP, ends the connection and nothing else", async () => {
  const { listener, ask } = await listening();
  const raw = connect(listener.port, "127.0.0.1");
  const closed = new Promise((resolve) => raw.once("close", resolve));
  raw.on("error", () => {});
  raw.write("GET / HTTP/1.1\r\nHost: hub.example\r\n\r\n");
  raw.resume();
  await closed;
  expect((await ask("/login")).status).toBe(200);
});

/** Sends bytes over TLS, and gives the first line of what comes back; empty: the connection was ended. */
function say(port: number, bytes: string): Promise<string> {
  const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
  let heard = "";
  return new Promise((resolve) => {
    const done = () => {
      socket.destroy();
      resolve(heard.split("\r\n")[0] ?? "");
    };
    socket.on("data", (chunk) => {
      heard += chunk;
      if (heard.includes("\r\n")) done();
    });
    socket.on("error", done);
    socket.on("close", done);
    socket.write(Buffer.from(bytes, "latin1"));
  });
}

test("what looks after services may ask for its health without saying Host", async () => {
  const { listener } = await listening();
  const health = new Hono<WebEnv>().get("/healthz", (context) => context.text("ok"));
  expect(await say(listener.port, "GET /login HTTP/1.0\r\n\r\n")).toContain(" 400 ");
  const rig = await webRig({ mounts: { health } });
  const other = listenWeb({ ...rig.web, port: 0 }, await selfSigned(HOST, Date.now()), rig.app);
  onTestFinished(() => other.stop());
  expect(await say(other.port, "GET /healthz HTTP/1.0\r\n\r\n")).toContain(" 200 ");
});

test("requests of a hostile hand are refused, and none is a fault", async () => {
  const { listener, ask, world } = await listening();
  const hostile = [
    "GET /login HTTP/1.1\r\n\r\n",
    "GET /login HTTP/1.0\r\n\r\n",
    "GET /login HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET /login HTTP/1.1\r\nHost: [::\r\n\r\n",
    "GET /login HTTP/1.1\r\nHost: hub.example:99999\r\n\r\n",
    "GET /login HTTP/1.1\r\nHost: user@hub.example\r\n\r\n",
    "GET /login HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    "GET https://evil.example/login HTTP/1.1\r\nHost: hub.example\r\n\r\n",
    "GET /%zz%00%ff/..%2f.. HTTP/1.1\r\nHost: hub.example\r\n\r\n",
    "GET /api/v1/%c0%ae HTTP/1.1\r\nHost: hub.example\r\n\r\n",
    `GET /login?next=${"x".repeat(10_000)} HTTP/1.1\r\nHost: hub.example\r\nCookie: ${"=;".repeat(2000)}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: hub.example\r\nCookie: ${"x".repeat(100_000)}\r\n\r\n`,
    "GET / HTTP/1.1\r\nHost: hub.example\r\nCookie: __Host-farsite=%E0%A4%A\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: hub.example\r\nAuthorization: Bearer \xff\r\n\r\n",
    "POST /login HTTP/1.1\r\nHost: hub.example\r\nOrigin: https://hub.example\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 5\r\n\r\n--y\r\n",
    "POST /login HTTP/1.1\r\nHost: hub.example\r\nOrigin: https://hub.example\r\nContent-Length: -1\r\n\r\n",
    "POST /login HTTP/1.1\r\nHost: hub.example\r\nOrigin: https://hub.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 31\r\n\r\nname=%zz&password=%ff&name=%00x",
    "TRACE / HTTP/1.1\r\nHost: hub.example\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: hub.example\r\n\r\n",
    "CONNECT evil.example:443 HTTP/1.1\r\nHost: hub.example\r\n\r\n",
    "PROPFIND / HTTP/1.1\r\nHost: hub.example\r\n\r\n",
    "\x00\x01\x02\r\n\r\n",
  ];
  const answers: [string, string][] = [];
  for (const bytes of hostile) answers.push([bytes.slice(0, 80), await say(listener.port, bytes)]);
  expect(answers.filter(([, line]) => !/^$|^HTTP\/1\.[01] (?:[34]\d\d|200) /.test(line))).toEqual([]);
  expect(world.log.lines.filter(({ level }) => level === "error")).toEqual([]);
  expect((await ask("/login")).status).toBe(200);
});
