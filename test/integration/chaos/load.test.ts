/** The chaos test's clients must see what they are there to see. */
import type { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { Dice } from "../../chaos/dice.ts";
import { bulkLoad } from "../../chaos/load/bulk.ts";
import { StallProbe } from "../../chaos/load/probe.ts";
import { queryLoad } from "../../chaos/load/queries.ts";
import { Tally } from "../../chaos/load/tally.ts";
import { manners, Target } from "../../e2e/target.ts";
import { Cleanup } from "../../lab/cleanup.ts";

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

/** Where something on this machine serves in this manner. */
async function place(serve: (socket: Socket) => void): Promise<{ host: string; port: number }> {
  const target = await Target.start(serve, cleanup);
  return { host: "127.0.0.1", port: Number(target.name.split(":").at(-1)) };
}

/** Resolves with the tally when something went wrong, or when so many bytes of bulk are back. */
function watched(bytes: number): { tally: Tally; stop: AbortController } {
  const stop = new AbortController();
  const tally = new Tally(() => stop.abort());
  const enough = setInterval(() => {
    if (tally.bulkBytes >= bytes) stop.abort();
    if (stop.signal.aborted) clearInterval(enough);
  }, 1);
  return { tally, stop };
}

/** An echo that does `change` once to what it sends back, and then `after`. */
function unfaithful(change: (chunk: Buffer) => Buffer, after: (socket: Socket) => void = () => {}) {
  return (socket: Socket) => {
    let seen = 0;
    socket.on("data", (chunk: Buffer) => {
      const now = seen <= 300_000 && seen + chunk.length > 300_000;
      seen += chunk.length;
      socket.write(now ? change(chunk) : chunk);
      if (now) after(socket);
    });
    socket.on("end", () => socket.end());
  };
}

function withOneBitChanged(chunk: Buffer): Buffer {
  chunk[0] = (chunk[0] ?? 0) ^ 1;
  return chunk;
}

test("bulk that comes back as it went is no trouble", async () => {
  const { tally, stop } = watched(8 << 20);
  await bulkLoad(await place(manners.echo), undefined, new Dice(1), tally, stop.signal);
  expect(tally).toMatchObject({ failed: 0, wrong: 0, bulkCorrupt: 0 });
  expect(tally.bulkBytes).toBeGreaterThanOrEqual(8 << 20);
});

test.each([
  ["changes a bit", unfaithful(withOneBitChanged)],
  ["loses a byte", unfaithful((chunk) => chunk.subarray(1))],
  ["repeats something", unfaithful((chunk) => Buffer.concat([chunk, chunk]))],
  [
    "ends in good order too early",
    unfaithful(
      (chunk) => chunk,
      (socket) => socket.end(),
    ),
  ],
  [
    "breaks",
    unfaithful(
      (chunk) => chunk,
      (socket) => socket.resetAndDestroy(),
    ),
  ],
])("bulk is found corrupt when the way %s", async (_, manner) => {
  const { tally, stop } = watched(Number.POSITIVE_INFINITY);
  await bulkLoad(await place(manner), undefined, new Dice(1), tally, stop.signal);
  expect(tally).toMatchObject({ failed: 0, wrong: 0, bulkCorrupt: 1 });
});

const QUESTION = { name: "hosts", text: "GET hosts\n", answer: Buffer.from("200           3\nyes") };
/** Answers every question so; closes where the question does not ask to keep the connection. */
const answering = (answer: string) => (socket: Socket) => {
  socket.on("data", (question) => {
    socket.write(answer);
    if (!String(question).includes("KeepAlive")) socket.end();
  });
  socket.on("end", () => socket.end());
};

async function ask(serve: (socket: Socket) => void): Promise<Tally> {
  const { tally, stop } = watched(Number.POSITIVE_INFINITY);
  const enough = setInterval(() => tally.queries >= 50 && stop.abort(), 1);
  await queryLoad([await place(serve)], [QUESTION], 5, new Dice(1), tally, stop.signal);
  clearInterval(enough);
  return tally;
}

test("right answers are no trouble", async () => {
  expect(await ask(answering(String(QUESTION.answer)))).toMatchObject({ failed: 0, wrong: 0 });
});

test("another answer is wrong", async () => {
  const tally = await ask(answering("200           3\nnoo"));
  expect(tally.wrong).toBeGreaterThan(0);
  expect(tally.failed).toBe(0);
});

test("a connection that breaks before the answer is a failed query", async () => {
  const tally = await ask((socket) => void socket.once("data", () => socket.resetAndDestroy()));
  expect(tally.failed).toBeGreaterThan(0);
  expect(tally.wrong).toBe(0);
});

test("the probe tells for how long its stream stood still, also while it still does", async () => {
  let held = false;
  const waiting: Buffer[] = [];
  let socketOfProbe: Socket | undefined;
  const echo = await place((socket) => {
    socketOfProbe = socket;
    socket.on("data", (chunk: Buffer) => void (held ? waiting.push(chunk) : socket.write(chunk)));
  });
  const tally = new Tally(() => {});
  const probe = new StallProbe("of a test", echo, tally);
  cleanup.add("close the probe", () => probe.close());
  for (let i = 0; i < 5; i++) await probe.answered();
  probe.begin();
  held = true;
  await Bun.sleep(300);
  expect(probe.stall()).toBeGreaterThan(200);
  held = false;
  for (const chunk of waiting) socketOfProbe?.write(chunk);
  await probe.answered();
  expect(probe.stall()).toBeGreaterThan(200);
  expect(tally).toMatchObject({ failed: 0, wrong: 0 });
});

test.each([manners.break, manners.greet])(
  "a probe whose stream breaks or ends is a failure",
  async (manner) => {
    const broken = Promise.withResolvers<void>();
    const tally = new Tally(() => broken.resolve());
    const probe = new StallProbe("of a test", await place(manner), tally);
    cleanup.add("close the probe", () => probe.close());
    await broken.promise;
    expect(tally.failed + tally.wrong).toBe(1);
  },
);
