import { expect, test } from "vitest";
import { Services, type Target } from "../../../agent/service/index.ts";
import { FakeClock } from "../../../common/clock.ts";
import { MemoryLog } from "../../../common/log.ts";
import { INTERACTIVE } from "../../../common/mux/index.ts";
import { muxPair, type Pair, settle, Tap } from "../mux/rig.ts";
import { FakeSocket } from "./socket.ts";

const CONNECT_TIMEOUT = 10_000;
const MINUTE = 60_000;

interface Rig extends Pair {
  log: MemoryLog;
  dialled: Target[];
  sockets: FakeSocket[];
  services: Services;
  /** Opens a stream from the hub. */
  ask(service: string): Tap;
}

function rig(pushOnly = false): Rig {
  const log = new MemoryLog();
  const dialled: Target[] = [];
  const sockets: FakeSocket[] = [];
  const targets = new Map<string, Target>([
    ["livestatus", { path: "/run/live" }],
    ["http", { host: "127.0.0.1", port: 5000 }],
  ]);
  // of its own: time moves in large steps here, and no carrier is to die of it
  const clock = new FakeClock();
  const pair = muxPair({ agent: { accept: (tap) => services.accept(tap.stream) } });
  const services = new Services({
    targets,
    dial: (target) => {
      dialled.push(target);
      const made = new FakeSocket();
      sockets.push(made);
      return made.socket;
    },
    clock,
    connectTimeout: CONNECT_TIMEOUT,
    log,
    pushOnly,
  });
  const ask = (service: string) => new Tap(pair.hub.mux.open(service, INTERACTIVE)!);
  return { ...pair, clock, log, dialled, sockets, services, ask };
}

const warnings = (log: MemoryLog) => log.lines.map((line) => `${line.fields.service}: ${line.fields.reason}`);

test("a stream is joined to the target that the agent's own file names, and to no other", async () => {
  const { ask, dialled, sockets, services } = rig();
  const stream = ask("livestatus");
  stream.stream.write(Buffer.from("GET hosts\n\n"));
  stream.stream.end();
  await settle();
  sockets[0]?.connect();
  sockets[0]?.answer("a;b\n");
  sockets[0]?.finish();
  await settle();
  expect(dialled).toEqual([{ path: "/run/live" }]);
  expect(sockets[0]?.received).toBe("GET hosts\n\n");
  expect([stream.text, stream.ended, stream.resetBy]).toEqual(["a;b\n", true, undefined]);
  expect(services.names).toEqual(["livestatus", "http"]);
});

test("a push-only agent names no service and refuses every stream, whatever a hub asks for and sends", async () => {
  const { ask, dialled, services, log, agent } = rig(true);
  const asked = ["livestatus", "http", "ssh", "outbox"].map(ask);
  for (const tap of asked) tap.stream.write(Buffer.from("GET hosts\n\n"));
  await settle();
  expect(asked.map((tap) => [tap.resetBy, tap.text])).toEqual(Array(4).fill(["serviceRefused", ""]));
  expect([dialled, services.names, agent.ends]).toEqual([[], [], []]);
  expect(warnings(log)[0]).toContain("this agent is push-only");
});

test("a service that is not in the file does not exist: nothing is dialled for it", async () => {
  const { ask, dialled, log } = rig();
  const asked = ["ssh", "livestatus-2", "constructor", "tostring"].map(ask);
  await settle();
  expect(asked.map((tap) => tap.resetBy)).toEqual(Array(4).fill("serviceUnknown"));
  expect(dialled).toEqual([]);
  expect(warnings(log)[0]).toBe("ssh: the hub asked for a service that is not in this agent's file");
});

test("a target that refuses resets the stream as unreachable and is logged with its reason", async () => {
  const { ask, sockets, log, clock } = rig();
  const stream = ask("http");
  await settle();
  sockets[0]?.destroy(new Error("connect ECONNREFUSED 127.0.0.1:5000"));
  await settle();
  expect(stream.resetBy).toBe("targetUnreachable");
  expect(warnings(log)).toEqual(["http: connect ECONNREFUSED 127.0.0.1:5000"]);
  expect(clock.pending).toBe(0);
});

test("a target that does not answer is given up when its time is over, and not before", async () => {
  const { ask, sockets, log, clock } = rig();
  const stream = ask("http");
  await settle();
  clock.advance(CONNECT_TIMEOUT - 1);
  await settle();
  expect([stream.resetBy, sockets[0]?.destroyed]).toEqual([undefined, false]);
  clock.advance(1);
  await settle();
  expect([stream.resetBy, sockets[0]?.destroyed]).toEqual(["targetUnreachable", true]);
  expect(warnings(log)).toEqual(["http: no connection in time"]);
});

test("once connected, a target may be silent for as long as it likes", async () => {
  const { ask, sockets, clock } = rig();
  const stream = ask("http");
  await settle();
  sockets[0]?.connect();
  clock.advance(10 * CONNECT_TIMEOUT);
  await settle();
  expect([stream.resetBy, sockets[0]?.destroyed]).toEqual([undefined, false]);
});

test("a target that fails after it was connected resets the stream as cancelled", async () => {
  const { ask, sockets, log } = rig();
  const stream = ask("http");
  await settle();
  sockets[0]?.connect();
  sockets[0]?.answer("half an ans");
  await settle();
  sockets[0]?.destroy(new Error("read ECONNRESET"));
  await settle();
  expect([stream.text, stream.resetBy]).toEqual(["half an ans", "cancelled"]);
  expect(warnings(log)).toEqual(["http: read ECONNRESET"]);
});

test("a stream that is cancelled while its target is being connected closes the socket and its timer", async () => {
  const { ask, sockets, log, clock } = rig();
  const stream = ask("http");
  await settle();
  stream.stream.reset("cancelled");
  await settle();
  expect([sockets[0]?.destroyed, clock.pending, log.lines]).toEqual([true, 0, []]);
});

test("a failure that repeats is logged once a minute for each service and reason", async () => {
  const { ask, sockets, log, clock } = rig();
  const fail = async (service: string, reason: string) => {
    ask(service);
    await settle();
    sockets.at(-1)?.destroy(new Error(reason));
    await settle();
  };
  for (let i = 0; i < 50; i++) await fail("http", "refused");
  expect(warnings(log)).toEqual(["http: refused"]);
  await fail("livestatus", "refused");
  await fail("http", "reset");
  expect(log.lines).toHaveLength(3);
  clock.advance(MINUTE - 1);
  await fail("http", "refused");
  expect(log.lines).toHaveLength(3);
  clock.advance(1);
  await fail("http", "refused");
  expect(warnings(log).at(-1)).toBe("http: refused");
  expect(log.lines).toHaveLength(4);
});

test("names that a hub makes up fill neither the memory of what was logged nor the log", async () => {
  const { ask, log, clock } = rig();
  for (let i = 0; i < 3_000; i++) {
    ask(`x${i}`);
    if (i % 500 === 0) await settle();
  }
  await settle();
  expect(log.lines).toHaveLength(1_000);
  clock.advance(MINUTE);
  ask("x0");
  await settle();
  expect(log.lines).toHaveLength(1_001);
});

test("bytes for a target that does not take them wait with the hub, not here", async () => {
  const { ask, sockets } = rig();
  const stream = ask("http");
  await settle();
  const socket = sockets[0]!;
  socket.blocking = true;
  socket.connect();
  const chunk = Buffer.alloc(256 << 10, "x");
  for (let i = 0; i < 16; i++) stream.stream.write(chunk);
  for (let i = 0; i < 20; i++) await settle();
  // no more than the credit of a stream is held on this side
  expect(socket.writableLength).toBeLessThanOrEqual(1 << 20);
  socket.unblock();
  for (let i = 0; i < 200 && socket.received.length < 16 * chunk.length; i++) await settle();
  expect(socket.received.length).toBe(16 * chunk.length);
});
