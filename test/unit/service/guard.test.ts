import { describe, expect, test } from "vitest";
import { Services } from "../../../agent/service/index.ts";
import { FakeClock } from "../../../common/clock.ts";
import { type Policy, policyOf } from "../../../common/livestatus/index.ts";
import { MemoryLog } from "../../../common/log.ts";
import { INTERACTIVE } from "../../../common/mux/index.ts";
import { muxPair, settle, Tap } from "../mux/rig.ts";
import { FakeSocket } from "./socket.ts";

const EVERYTHING = policyOf({ commands: "all", tables: "all" });
const FIXED = "ResponseHeader: fixed16\n";
const QUERY = `GET hosts\n${FIXED}\n`;

function rig(policy: Partial<Policy> | undefined) {
  const log = new MemoryLog();
  const sockets: FakeSocket[] = [];
  const clock = new FakeClock();
  const pair = muxPair({ agent: { accept: (tap) => services.accept(tap.stream) } });
  const services = new Services({
    targets: new Map([
      ["livestatus", { path: "/run/live" }],
      ["http", { host: "127.0.0.1", port: 5000 }],
    ]),
    dial: () => {
      const made = new FakeSocket();
      sockets.push(made);
      made.connect();
      return made.socket;
    },
    clock,
    // the sockets of this rig are connected before anybody listens for it
    connectTimeout: 1_000_000,
    log,
    livestatus: policy && { ...EVERYTHING, ...policy },
  });
  /** What the hub sends on one stream. */
  const ask = async (text: string | Buffer, service = "livestatus") => {
    const tap = new Tap(pair.hub.mux.open(service, INTERACTIVE)!);
    tap.stream.write(Buffer.from(text as string));
    for (let round = 0; round < 20; round++) await settle();
    return { tap, socket: sockets.at(-1)! };
  };
  return { ...pair, clock, log, sockets, ask };
}

describe("an agent whose file says what may be asked", () => {
  test("lets in what is allowed, to the byte, and its answer out", async () => {
    const { ask } = rig({ commands: ["ADD_*"] });
    const text = `COMMAND [1] ADD_A;x\n\nGET hosts \nFilter: name = \xff\n${FIXED}\n`;
    const { tap, socket } = await ask(Buffer.from(text, "latin1"));
    expect(Buffer.from(socket.received).toString()).toBe(Buffer.from(text, "latin1").toString());
    socket.answer("200           2\na\n");
    socket.finish();
    await settle();
    expect([tap.text, tap.ended]).toEqual(["200           2\na\n", true]);
  });

  test("lets no command in where it is read-only, and tells the hub", async () => {
    const { ask, log } = rig({ commands: "none" });
    const { tap, socket } = await ask("COMMAND [1] RESTART_PROGRAM\n\n");
    expect([socket.received, socket.destroyed, tap.resetBy]).toEqual(["", true, "serviceRefused"]);
    expect(log.lines.at(-1)).toMatchObject({
      message: "service failed",
      fields: {
        service: "livestatus",
        reason: "COMMAND RESTART_PROGRAM was not let in: this site takes no commands: it is read-only here",
      },
    });
  });

  test("answers a query that it does not let in, in the form that was asked for", async () => {
    const { ask } = rig({ tables: ["status"] });
    const { tap, socket } = await ask(QUERY);
    // behind the answer stands whose it is
    expect([socket.received, tap.ended, tap.resetBy]).toEqual(["", false, "serviceRefused"]);
    expect(tap.text).toBe("403          44\nthe table hosts is not open to queries here\n");
    expect((await ask("GET hosts\n\n")).tap.resetBy).toBe("serviceRefused");
  });

  test("carries out what came before one that it does not let in, and nothing behind it", async () => {
    const { ask } = rig({ commands: ["ADD_*"] });
    const { tap, socket } = await ask("COMMAND [1] ADD_A\n\nCOMMAND [1] STOP\n\nCOMMAND [1] ADD_B\n\n");
    tap.stream.write(Buffer.from("COMMAND [1] ADD_C\n\n"));
    await settle();
    expect([socket.received, tap.resetBy]).toEqual(["COMMAND [1] ADD_A\n\n", "serviceRefused"]);
  });

  test("never puts an error into the middle of an answer", async () => {
    const { ask } = rig({ tables: ["hosts"] });
    const { tap } = await ask(`${QUERY}GET log\n${FIXED}\n`);
    expect([tap.text, tap.resetBy]).toEqual(["", "serviceRefused"]);
  });

  test.each([
    ["a command hidden in a query", "GET hosts\nCOMMAND [1] STOP\n\n"],
    ["a command behind a line that only some cores take for the end", "GET hosts\n \nCOMMAND [1] STOP\n\n"],
    ["a method that only some core may know", " COMMAND [1] STOP\n\n"],
    ["bytes that are no text", "GET hosts\0\n\n"],
    ["a command in another form", "COMMAND [1]XADD_A\n\n"],
    ["a command that is cut off", "COMMAND [1] STO"],
  ])("does not let in %s", async (_, text) => {
    const { ask } = rig({ commands: ["ADD_*"] });
    const { tap, socket } = await ask(text);
    tap.stream.end();
    for (let round = 0; round < 5; round++) await settle();
    expect([socket.received, tap.resetBy]).toEqual(["", "serviceRefused"]);
  });

  test("passes a request on that ends with half-close", async () => {
    const { ask } = rig({ commands: ["ADD_*"] });
    const { tap, socket } = await ask("COMMAND [1] ADD_A");
    expect(socket.received).toBe("");
    tap.stream.end();
    for (let round = 0; round < 5; round++) await settle();
    expect([socket.received, socket.writableEnded]).toEqual(["COMMAND [1] ADD_A", true]);
  });

  test("breaks an answer off that is larger than allowed, and the core's connection with it", async () => {
    const { ask } = rig({ largestAnswer: 1_000 });
    const { tap, socket } = await ask(QUERY);
    socket.answer(Buffer.alloc(900, "x"));
    await settle();
    expect(tap.bytes).toBe(900);
    socket.answer(Buffer.alloc(200, "x"));
    for (let round = 0; round < 5; round++) await settle();
    expect([tap.bytes, tap.resetBy, socket.destroyed]).toEqual([900, "serviceRefused", true]);
  });

  describe("with a limit of time", () => {
    const ERROR = "the core did not answer within the 5 s that its agent allows\n";

    test("gives a silent core up, and says so in the form that was asked for", async () => {
      const { ask, clock, log } = rig({ queryTimeout: 5_000 });
      const { tap, socket } = await ask(QUERY);
      clock.advance(4_999);
      await settle();
      expect(tap.resetBy).toBeUndefined();
      clock.advance(1);
      for (let round = 0; round < 5; round++) await settle();
      expect([tap.text, tap.resetBy]).toEqual([
        `502 ${String(ERROR.length).padStart(11)}\n${ERROR}`,
        "serviceRefused",
      ]);
      expect(socket.destroyed).toBe(true);
      expect(log.lines.at(-1)?.fields?.reason).toMatch(/^a query was given up: the core did not answer/);
    });

    test("waits as long as something comes, and breaks off an answer that stops", async () => {
      const { ask, clock } = rig({ queryTimeout: 5_000 });
      const { tap, socket } = await ask(QUERY);
      for (let step = 0; step < 3; step++) {
        clock.advance(4_000);
        socket.answer("x");
        for (let round = 0; round < 5; round++) await settle();
      }
      expect([tap.text, tap.resetBy]).toEqual(["xxx", undefined]);
      clock.advance(5_000);
      for (let round = 0; round < 5; round++) await settle();
      expect([tap.text, tap.resetBy]).toEqual(["xxx", "serviceRefused"]);
    });

    test("gives a query that waits by itself its time besides", async () => {
      const { ask, clock } = rig({ queryTimeout: 5_000 });
      const { tap } = await ask(`GET hosts\nWaitTimeout: 10000\n${FIXED}\n`);
      clock.advance(14_999);
      await settle();
      expect(tap.resetBy).toBeUndefined();
      clock.advance(1);
      for (let round = 0; round < 5; round++) await settle();
      expect(tap.resetBy).toBe("serviceRefused");
    });

    test("has none left running when the core has answered", async () => {
      const { ask, clock, log } = rig({ queryTimeout: 5_000 });
      const { tap, socket } = await ask(QUERY);
      socket.answer("200           2\na\n");
      socket.finish();
      for (let round = 0; round < 5; round++) await settle();
      expect(tap.ended).toBe(true);
      clock.advance(5_000);
      expect(log.lines).toEqual([]);
    });
  });

  test("takes so many requests a second, over all streams", async () => {
    const { ask, clock } = rig({ requestsPerSecond: 2 });
    const codes = async () => (await ask(QUERY)).tap.text.slice(0, 3);
    expect([await codes(), await codes(), await codes()]).toEqual(["", "", "429"]);
    clock.advance(500);
    expect(await codes()).toBe("");
  });

  test("takes a request that is longer than a stream's credit, and then one more", async () => {
    const { ask } = rig({ commands: "none" });
    const long = `GET hosts\nFilter: name = ${"x".repeat(3 << 20)}\n\n`;
    const { tap, socket } = await ask(long);
    for (let round = 0; round < 200 && socket.received.length < long.length; round++) await settle();
    expect(socket.received.length).toBe(long.length);
    tap.stream.write(Buffer.from(long));
    for (let round = 0; round < 200 && socket.received.length < 2 * long.length; round++) await settle();
    expect(socket.received.length).toBe(2 * long.length);
  });

  test("gives credit for what it leaves out, too", async () => {
    const { ask } = rig({ commands: "none" });
    const { tap, socket } = await ask("GET hosts\n\n");
    const padded = Buffer.from(`GET hosts\n${" \n".repeat(40_000)}\n`);
    for (let n = 0; n < 30; n++) tap.stream.write(padded);
    for (let round = 0; round < 300; round++) await settle();
    expect(socket.received).toBe("GET hosts\n\n".repeat(31));
  });

  test("holds no more of what a core does not take than a stream's credit", async () => {
    const { ask, sockets } = rig({ commands: "none" });
    const { tap } = await ask("GET hosts\n\n");
    const socket = sockets[0]!;
    socket.blocking = true;
    const query = Buffer.from(`GET hosts\nFilter: name = ${"x".repeat(100_000)}\n\n`);
    for (let n = 0; n < 100; n++) tap.stream.write(query);
    for (let round = 0; round < 50; round++) await settle();
    expect(socket.writableLength).toBeLessThan(1 << 20);
    socket.blocking = false;
    socket.unblock();
    for (let round = 0; round < 500 && socket.received.length < 100 * query.length; round++) await settle();
    expect(socket.received.length).toBe("GET hosts\n\n".length + 100 * query.length);
  });
});

test("an agent whose file says nothing looks at no byte", async () => {
  const { ask } = rig(undefined);
  const text = "GET hosts\n \nCOMMAND x\0\n\n\n\n";
  expect((await ask(text)).socket.received).toBe(text);
});

test("what is said of Livestatus is nothing to other services", async () => {
  const { ask } = rig({ commands: "none", tables: [] });
  const text = "GET / HTTP/1.1\r\n\r\n";
  expect((await ask(text, "http")).socket.received).toBe(text);
});
