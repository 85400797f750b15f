import { describe, expect, test } from "vitest";
import { coreControl } from "../../../common/core.ts";
import { pack, unpack } from "../../../common/msgpack.ts";
import type { FakeSocket } from "../service/socket.ts";
import { Dice } from "../session/rig.ts";
import { calm, errno, INTERVAL, manners, TIMEOUT, UNKNOWN_COLUMN, type WatchRig, watchRig } from "./rig.ts";

const CORE = {
  started: 1_790_000_000,
  pid: 4711,
  program: "r2.13.6-1-icinga2",
  livestatus: "r2.13.6-1",
  hosts: 3,
  services: 6,
};

async function online(change?: Parameters<typeof watchRig>[0]): Promise<WatchRig> {
  const rig = watchRig(change);
  rig.watch.start();
  await calm();
  expect(rig.told).toHaveLength(1);
  return rig;
}

test("a core is asked at once, and its state is told with all it says of itself", async () => {
  const { told, clock, watch } = await online();
  expect(told).toEqual([
    { kind: "core", service: "livestatus", state: "online", since: clock.wall(), core: CORE },
  ]);
  watch.stop();
});

test("what is told is what the hub takes", async () => {
  const rig = await online();
  rig.core.manner = manners.fails("ECONNREFUSED");
  await rig.pass(INTERVAL);
  expect(rig.told.map((report) => unpack(coreControl, pack(report), "it"))).toEqual(rig.told);
  expect(rig.told).toHaveLength(2);
  rig.watch.stop();
});

test("as long as nothing changes nothing is told, however long that is", async () => {
  const rig = await online();
  await rig.pass(100 * INTERVAL);
  expect(rig.asked.length).toBeGreaterThan(100);
  expect(rig.told).toHaveLength(1);
  // a core that is dead stays as silent
  rig.core.manner = manners.fails("ECONNREFUSED");
  await rig.pass(100 * INTERVAL);
  expect(rig.told).toHaveLength(2);
  rig.watch.stop();
});

test.each([
  ["ECONNREFUSED", "stopped", "[Errno 111] Connection refused"],
  ["ENOENT", "stopped", "[Errno 2] No such file or directory"],
  ["EACCES", "denied", "[Errno 13] Permission denied"],
  ["EAGAIN", "hung", "[Errno 11] Resource temporarily unavailable"],
  ["EHOSTUNREACH", "unreachable", "[Errno 113] No route to host"],
  ["ECONNRESET", "stopped", "[Errno 104] Connection reset by peer"],
  ["ENOTFOUND", "unreachable", "ENOTFOUND"],
])("a core whose socket says %s is dead: %s", async (code, cause, reason) => {
  const rig = await online();
  rig.core.manner = manners.fails(code);
  await rig.pass(INTERVAL);
  expect(rig.told.slice(1)).toMatchObject([{ state: "dead", cause, reason }]);
  rig.watch.stop();
});

test("a refusal by a socket at which somebody listens means that its queue is full: the core hangs", async () => {
  const rig = watchRig();
  rig.core.manner = manners.fails("ECONNREFUSED");
  rig.core.listening = true;
  rig.watch.start();
  await calm();
  expect(rig.told).toMatchObject([{ state: "dead", cause: "hung" }]);
  // by TCP a refusal is a refusal
  const tcp = watchRig({ target: { host: "127.0.0.1", port: 6557 } });
  tcp.core.manner = manners.fails("ECONNREFUSED");
  tcp.core.listening = true;
  tcp.watch.start();
  await calm();
  expect(tcp.told).toMatchObject([{ state: "dead", cause: "stopped" }]);
  for (const { watch } of [rig, tcp]) watch.stop();
});

test("a core that takes connections and does not answer hangs, when the time is over and not before", async () => {
  const rig = await online();
  rig.core.manner = manners.hung;
  while (rig.asked.length === 2) await rig.pass(100);
  const since = rig.asked.at(-1) as number;
  await rig.pass(since + TIMEOUT - 100 - rig.clock.now());
  expect(rig.told).toHaveLength(1);
  await rig.pass(100);
  expect(rig.told[1]).toMatchObject({
    state: "dead",
    cause: "hung",
    reason: "takes connections, but did not answer within 2 s",
    since: rig.clock.wall(),
  });
  expect(rig.sockets.at(-1)?.destroyed).toBe(true);
  rig.watch.stop();
});

test.each([
  ["on this host", { host: "127.0.0.1", port: 6557 }, "hung"],
  ["on another host", { host: "10.1.2.3", port: 6557 }, "unreachable"],
])("a port %s that takes no connection", async (_, target, cause) => {
  const rig = watchRig({ target });
  rig.core.manner = manners.silent;
  rig.watch.start();
  await rig.pass(TIMEOUT);
  expect(rig.told).toMatchObject([{ state: "dead", cause, reason: "no connection within 2 s" }]);
  rig.watch.stop();
});

test("every change is seen within the interval, the wait for the answer included", async () => {
  for (const unit of [0, 0.5, 0.999]) {
    const rig = await online({ unit: () => unit });
    // the worst moment: right after an answer
    rig.core.manner = manners.hung;
    const from = rig.clock.now();
    while (rig.told.length === 1) await rig.pass(100);
    expect(rig.clock.now() - from).toBeLessThan(INTERVAL);
    rig.watch.stop();
  }
});

test("a core that answers others is busy, not hung", async () => {
  const rig = await online();
  rig.core.manner = manners.hung;
  for (let i = 0; i < 100; i++) {
    rig.core.received += 100;
    await rig.pass(500);
  }
  expect(rig.told).toHaveLength(1);
  await rig.pass(INTERVAL);
  expect(rig.told[1]).toMatchObject({ state: "dead", cause: "hung" });
  rig.watch.stop();
});

test("bytes that others got from a core do not make one that is stopped alive", async () => {
  const rig = await online();
  rig.core.manner = (socket) => {
    rig.core.received += 100;
    manners.fails("ECONNREFUSED")(socket);
  };
  await rig.pass(INTERVAL);
  expect(rig.told[1]).toMatchObject({ cause: "stopped" });
  rig.watch.stop();
});

test("each way in which a core is dead is told, and the same way only once", async () => {
  const rig = await online();
  rig.core.manner = manners.fails("ECONNREFUSED");
  await rig.pass(3 * INTERVAL);
  rig.core.manner = manners.fails("ENOENT");
  await rig.pass(3 * INTERVAL);
  rig.core.manner = manners.hung;
  await rig.pass(3 * INTERVAL);
  rig.core.manner = manners.icinga();
  await rig.pass(3 * INTERVAL);
  expect(rig.told.map((report) => (report.state === "dead" ? report.cause : report.state))).toEqual([
    "online",
    "stopped",
    "hung",
    "online",
  ]);
  const sinces = rig.told.map((report) => report.since);
  expect(sinces).toEqual([...new Set(sinces)].toSorted((a, b) => a - b));
  rig.watch.stop();
});

test.each([
  ["process", 4712, CORE.started],
  ["configuration", CORE.pid, CORE.started + 1],
])(
  "a new %s is told as another generation, and the core was online all the while",
  async (_, pid, started) => {
    const rig = await online();
    const since = rig.told[0]?.since;
    rig.core.manner = manners.icinga(pid, started);
    await rig.pass(3 * INTERVAL);
    expect(rig.told.slice(1)).toMatchObject([{ state: "online", since, core: { pid, started } }]);
    rig.watch.stop();
  },
);

test("other counts alone are not told: they go with the next generation", async () => {
  const rig = await online();
  const body = JSON.stringify([[CORE.started, CORE.pid, CORE.livestatus, CORE.program, 9, 99]]);
  rig.core.manner = manners.says(`200 ${String(body.length).padStart(11)}\n${body}`);
  await rig.pass(3 * INTERVAL);
  expect(rig.told).toHaveLength(1);
  rig.watch.stop();
});

describe("how often it asks", () => {
  test("is random, so that a thousand agents that start together soon ask at all times", async () => {
    const rigs = Array.from({ length: 1000 }, (_, seed) => {
      const dice = new Dice(seed + 1);
      return watchRig({ unit: () => dice.unit() });
    });
    for (const { watch } of rigs) watch.start();
    await calm();
    for (let i = 0; i < 300; i++) {
      for (const { clock } of rigs) clock.advance(100);
      await calm();
    }
    // when each asked in the last three seconds: no tenth of a second has a tenth of them
    const late = rigs.flatMap(({ asked }) => asked.filter((at) => at > 27_000));
    const crowds = Object.values(Object.groupBy(late, (at) => Math.floor(at / 100))).map(
      (crowd) => crowd?.length ?? 0,
    );
    expect(late.length).toBeGreaterThan(1000);
    expect(Math.max(...crowds)).toBeLessThan(100);
    expect(crowds.length).toBeGreaterThan(25);
    for (const { watch } of rigs) watch.stop();
  });

  test("does not depend on how it ends: there is never more than one question open", async () => {
    const rig = watchRig({ unit: () => 0 });
    rig.core.manner = manners.hung;
    rig.watch.start();
    for (let i = 0; i < 200; i++) {
      await rig.pass(100);
      expect(rig.sockets.filter((socket) => !socket.destroyed).length).toBeLessThanOrEqual(1);
    }
    const waits = rig.asked.slice(1).map((at, n) => at - (rig.asked[n] as number));
    expect(new Set(waits)).toEqual(new Set([(INTERVAL - TIMEOUT) * 0.75]));
    rig.watch.stop();
  });
});

/** Refuses the first question, and does not answer the second. */
function refusesCorePid(socket: FakeSocket): void {
  socket.connect();
  setImmediate(() => {
    if (socket.received.includes("core_pid")) socket.answer(UNKNOWN_COLUMN);
  });
}

test.each([
  ["waits for an answer", manners.hung],
  ["waits for the answer to its second question", refusesCorePid],
  ["waits for the next question", manners.icinga()],
])("it stops while it %s, and leaves no timer, no socket and no report behind", async (_, manner) => {
  const rig = watchRig();
  rig.core.manner = manner;
  rig.watch.start();
  await calm();
  const before = rig.told.length;
  rig.watch.stop();
  await calm();
  expect(rig.clock.pending).toBe(0);
  expect(rig.sockets.filter((socket) => !socket.destroyed)).toEqual([]);
  await rig.pass(10 * INTERVAL);
  expect(rig.told).toHaveLength(before);
});

test("a first question's socket that fails late does not touch the second question", async () => {
  const rig = watchRig();
  rig.core.manner = refusesCorePid;
  rig.watch.start();
  await calm();
  expect(rig.sockets).toHaveLength(2);
  rig.sockets[0]?.emit("error", errno("ECONNRESET"));
  rig.watch.stop();
  await calm();
  expect([rig.sockets[1]?.destroyed, rig.clock.pending, rig.told]).toEqual([true, 0, []]);
});
