import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FarsiteLab } from "../../lab/farsite.ts";
import type { Target } from "../../lab/livestatus.ts";
import { converse, HALF_CLOSE, sha256, shown, visit } from "./client.ts";

const SITE = "acme/main";
const MIB = 1024 * 1024;
const LARGE = randomBytes(16 * MIB);

/** What a made-up service does with each connection. */
const SERVICES: Record<string, (socket: Socket) => void> = {
  /** Sends 16 MiB and ends. */
  source: (socket) => socket.resume().end(LARGE),
  /** Sends four times as much, more than any socket's buffers hold. */
  flood: (socket) => {
    floods.push(socket);
    for (let round = 0; round < 4; round++) socket.write(LARGE);
  },
  echo: (socket) => socket.pipe(socket),
  /** Answers at the end of what it was sent: what it was. */
  sink: (socket) => void digest(socket).then((text) => socket.end(text)),
  /** Says goodbye first and listens on; what it then hears, `heard` gives. */
  goodbye: (socket) => {
    socket.end("goodbye");
    void digest(socket).then((text) => heard.push(text));
  },
  /** Reads nothing until it is told to. */
  deaf: (socket) => {
    socket.pause();
    deaf.push(socket);
  },
  /** Says something and breaks the connection. */
  broken: (socket) => socket.write("not all of i", () => socket.resetAndDestroy()),
};
let heard: string[] = [];
let deaf: Socket[] = [];
let floods: Socket[] = [];

describe("streams", () => {
  let lab: FarsiteLab;
  const ways: [string, (service: string) => Target][] = [
    [
      "TCP",
      (service) => ({ host: endpoints.get(service)?.address ?? "", port: endpoints.get(service)?.port ?? 0 }),
    ],
    ["Unix socket", (service) => ({ unix: endpoints.get(service)?.socket ?? "" })],
  ];
  let endpoints: Map<string, { address: string; port: number; socket: string }>;

  beforeAll(async () => {
    lab = new FarsiteLab();
    const names = Object.keys(SERVICES);
    const ports = Object.fromEntries(names.map((name, index) => [name, 7_000 + index]));
    const servers = await Promise.all(
      Object.entries(SERVICES).map(([name, serve]) => listen(lab, serve, name)),
    );
    const hub = await lab.startHub({ services: ports });
    const targets = names.map((name, index) => [name, servers[index] ?? ""]);
    await lab.connect(hub, SITE, { services: Object.fromEntries(targets) });
    endpoints = new Map((await hub.endpoints()).map((endpoint) => [endpoint.service, endpoint]));
  });
  afterAll(() => lab.end());

  describe.each(ways)("by %s", (_, to) => {
    test("16 MiB come down while a second stream is stalled, which then goes on", async () => {
      const stalled = visit(to("source"));
      await stalled.atLeast(1);
      stalled.pause();
      expect(shown(await converse(to("source")))).toEqual(whole);
      expect(stalled.received).toBeLessThan(LARGE.length);
      stalled.resume();
      expect(shown(await stalled.outcome)).toEqual(whole);
    });

    test("16 MiB go up while a second stream is stalled, which then goes on", async () => {
      deaf = [];
      const stalled = visit(to("deaf")).send(LARGE).halfClose();
      expect((await converse(to("sink"), LARGE, HALF_CLOSE)).bytes.toString()).toBe(sha256(LARGE));
      await expect.poll(() => deaf.length).toBe(1);
      const [socket] = deaf as [Socket];
      const got = digest(socket);
      socket.resume();
      expect(await got).toBe(sha256(LARGE));
      socket.end("read it now");
      expect((await stalled.outcome).bytes.toString()).toBe("read it now");
    });

    test("16 MiB go up and come back at once on one stream, beside stalled ones both ways", async () => {
      floods = [];
      const up = visit(to("deaf")).send(LARGE);
      const down = visit(to("flood"));
      await down.atLeast(1);
      down.pause();
      expect(shown(await converse(to("echo"), LARGE, HALF_CLOSE))).toEqual(whole);
      expect(up.received).toBe(0);
      // what the client does not take stays where it is, and does not pile up in hub or agent
      expect(floods.map((socket) => socket.writableLength > 0)).toEqual([true]);
    });

    test("the service may end its direction first", async () => {
      heard = [];
      const one = visit(to("goodbye"));
      expect(shown(await one.outcome)).toEqual({ ending: "closed", length: 7, content: "goodbye" });
      one.send(LARGE.subarray(0, MIB)).halfClose();
      await expect.poll(() => heard).toEqual([sha256(LARGE.subarray(0, MIB))]);
    });

    test("200 streams at once are not mixed up", async () => {
      const parts = Array.from({ length: 200 }, (_, index) =>
        LARGE.subarray(index * 65_536, (index + 1) * 65_536),
      );
      const all = await Promise.all(parts.map((part) => converse(to("echo"), part, HALF_CLOSE)));
      expect(all.map(({ bytes }) => sha256(bytes))).toEqual(parts.map(sha256));
    });

    test("a client that goes away is gone for the service, too, which notices when it speaks", async () => {
      deaf = [];
      const one = visit(to("deaf")).send("hello");
      await expect.poll(() => deaf.length).toBe(1);
      const [socket] = deaf as [Socket];
      const got = digest(socket);
      socket.resume();
      one.abandon();
      expect(await got).toBe(sha256(Buffer.from("hello")));
      const failed = once(socket, "error") as Promise<[NodeJS.ErrnoException]>;
      const speaking = setInterval(() => socket.write("are you still there?"), 10);
      const [{ code }] = await failed.finally(() => clearInterval(speaking));
      expect(code).toMatch(/^(EPIPE|ECONNRESET)$/);
    });
  });

  test("an answer that the service broke off does not end as a whole one does, by TCP", async () => {
    const [, to] = ways[0] as (typeof ways)[number];
    expect((await converse(to("broken"), "go on")).ending).toBe("ECONNRESET");
  });
});

const whole = shown({ bytes: LARGE, ending: "closed" });

async function digest(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
  await once(socket, "end");
  return sha256(Buffer.concat(chunks));
}

/** Starts a service and gives its target, as an agent's file names it. */
async function listen(lab: FarsiteLab, serve: (socket: Socket) => void, name: string): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  lab.cleanup.add(`stop ${name}`, () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `tcp:127.0.0.1:${(server.address() as AddressInfo).port}`;
}
