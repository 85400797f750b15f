/** The HTTP client of carriers over plain requests, against real servers. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { HttpClient } from "../../../agent/http/index.ts";
import { systemClock } from "../../../common/clock.ts";
import { until } from "../../lab/farsite.ts";
import { listening } from "./hub.ts";

interface Rig {
  client: HttpClient;
  /** Connections opened so far. */
  opened: Socket[];
}

function clientOf(port: number, idle = 3): Rig {
  const opened: Socket[] = [];
  const client = new HttpClient({
    open: () =>
      new Promise((resolve, reject) => {
        const socket = connect(port, "127.0.0.1");
        socket.once("connect", () => resolve(socket));
        socket.once("error", reject);
        opened.push(socket);
      }),
    host: "hub.example:8443",
    clock: systemClock,
    idle,
    mostBytes: 1 << 20,
  });
  onTestFinished(() => client.close());
  return { client, opened };
}

function serve(fetch: (request: Request) => Response | Promise<Response>): number {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
  onTestFinished(() => server.stop(true));
  return server.port as number;
}

/** A server of bare sockets. */
async function serveRaw(take: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    take(socket);
  });
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await listening(server);
  return { server, port: (server.address() as AddressInfo).port };
}

const post = (client: HttpClient, path = "/", body = "", timeout = 5_000) =>
  client.post({ path, headers: { "x-own": "1" }, body: Buffer.from(body), timeout });

test("a request is a plain one, with its length, and says who asks", async () => {
  const seen: Record<string, string>[] = [];
  const port = serve((request) => {
    seen.push(Object.fromEntries(request.headers));
    return new Response("", { status: 204 });
  });
  const { client } = clientOf(port);
  expect((await post(client, "/", "four")).status).toBe(204);
  expect(seen[0]).toMatchObject({
    host: "hub.example:8443",
    "content-length": "4",
    "cache-control": "no-store",
    "accept-encoding": "identity",
    "x-own": "1",
    "user-agent": expect.stringMatching(/^Farsite\/\d/),
  });
  expect(seen[0]).not.toHaveProperty("transfer-encoding");
});

test("a connection is used again, and requests at once have one each", async () => {
  const held: (() => void)[] = [];
  const port = serve(async ({ url }) => {
    if (url.endsWith("/hold")) await new Promise<void>((resolve) => held.push(resolve));
    return new Response("ok");
  });
  const { client, opened } = clientOf(port);
  for (let n = 0; n < 5; n++) await post(client);
  expect(opened).toHaveLength(1);
  const all = Array.from({ length: 3 }, () => post(client, "/hold"));
  await until("all to be there", () => held.length === 3);
  for (const release of held) release();
  expect((await Promise.all(all)).map((answer) => String(answer.body))).toEqual(["ok", "ok", "ok"]);
  for (let n = 0; n < 5; n++) await post(client);
  expect(opened).toHaveLength(3);
});

test("a connection that the server closed is replaced, once idle ones are dropped", async () => {
  const sockets: Socket[] = [];
  const { port } = await serveRaw((socket) => {
    sockets.push(socket);
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  });
  const { client, opened } = clientOf(port);
  await post(client);
  sockets[0]?.resetAndDestroy();
  await post(client).catch(() => {});
  client.dropIdle();
  expect((await post(client)).status).toBe(200);
  expect(opened.length).toBeGreaterThan(1);
});

test("what comes in chunks is as good", async () => {
  const { port } = await serveRaw((socket) => {
    socket.once("data", () =>
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
    );
  });
  expect(String((await post(clientOf(port).client)).body)).toBe("abcde");
});

test.each([
  ["no HTTP", "hello\r\n\r\n"],
  ["an answer that breaks off", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"],
  ["nothing", ""],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"],
  ["a header beyond all measure", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(100_000)}\r\n\r\n`],
  ["a body beyond all measure", `HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n${"a".repeat(2_000_000)}`],
])("%s is an error", async (_, answer) => {
  const { port } = await serveRaw((socket) => socket.once("data", () => socket.end(answer)));
  await expect(post(clientOf(port).client)).rejects.toThrow();
});

test.each([
  ["a length that never comes", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"],
  ["half a header", "HTTP/1.1 200 OK\r\nContent-Le"],
  ["silence", ""],
])("%s is waited for no longer than asked, and its connection is closed", async (_, answer) => {
  const closed = Promise.withResolvers<void>();
  const { port } = await serveRaw((socket) => {
    socket.once("data", () => socket.write(answer));
    socket.once("close", () => closed.resolve());
  });
  await expect(post(clientOf(port).client, "/", "", 200)).rejects.toMatchObject({ code: "ETIMEDOUT" });
  await closed.promise;
});

test("a switch to another protocol is an error, and its connection is closed", async () => {
  const closed = Promise.withResolvers<void>();
  const { port } = await serveRaw((socket) => {
    const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
    socket.once("data", () => socket.write(answer));
    socket.once("close", () => closed.resolve());
  });
  await expect(post(clientOf(port).client)).rejects.toThrow("another protocol");
  await closed.promise;
});

test("what a connection cannot be opened for is told as it is", async () => {
  const reason = new Error("no way");
  const client = new HttpClient({
    open: () => Promise.reject(reason),
    host: "hub.example",
    clock: systemClock,
    idle: 1,
    mostBytes: 1,
  });
  await expect(post(client)).rejects.toBe(reason);
});

test("closing ends what runs, closes all connections and takes nothing more", async () => {
  const sockets = new Set<Socket>();
  const { port } = await serveRaw((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  });
  const { client } = clientOf(port);
  await post(client);
  // the second on the same connection is never answered
  const running = post(client);
  running.catch(() => {});
  client.close();
  await expect(running).rejects.toThrow();
  await expect(post(client)).rejects.toThrow("closed");
  await until("the connections to close", () => sockets.size === 0);
});
