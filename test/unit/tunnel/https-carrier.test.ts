/** The hub's end of a carrier over plain requests, without HTTP. */
import { expect, test } from "vitest";
import { decodeBatch, HOLD, WINDOW } from "../../../common/carrier/https/index.ts";
import { FakeClock } from "../../../common/clock.ts";
import { type Answer, HttpsCarrier, IDLE, LINGER, MOST_WAITING } from "../../../hub/tunnel/https-carrier.ts";
import { settle } from "../session/rig.ts";

interface Rig {
  clock: FakeClock;
  carrier: HttpsCarrier;
  /** What came from the agent. */
  heard: string[];
  /** Why it closed, once it has. */
  closed: string[];
  drained: number;
  /** The agent asks for a batch; what it is answered with, as soon as it is. */
  ask(number: number, signal?: AbortSignal): { answer: string[] | "gone" | "again" | undefined };
}

function rig(): Rig {
  const clock = new FakeClock();
  const carrier = new HttpsCarrier("192.0.2.1", clock);
  const its: Rig = {
    clock,
    carrier,
    heard: [],
    closed: [],
    drained: 0,
    ask(number, signal = new AbortController().signal) {
      const asked: ReturnType<Rig["ask"]> = { answer: undefined };
      void carrier.poll(number, signal).then((answer: Answer) => {
        asked.answer = typeof answer === "string" ? answer : decodeBatch(answer).map(String);
      });
      return asked;
    },
  };
  carrier.attach({
    message: (bytes) => its.heard.push(String(bytes)),
    drain: () => its.drained++,
    close: (reason) => its.closed.push(reason),
  });
  return its;
}

const send = ({ carrier }: Rig, ...texts: string[]) => {
  for (const text of texts) carrier.send(Buffer.from(text));
};
const receive = ({ carrier }: Rig, number: number, texts: string[], last = false) =>
  carrier.receive(number, { messages: texts.map((text) => Buffer.from(text)), last });

test("what is sent in one turn leaves in one batch, as soon as it was asked for", async () => {
  const its = rig();
  const first = its.ask(0);
  await settle();
  expect(first.answer).toBeUndefined();
  send(its, "a", "b");
  await settle();
  expect([first.answer, its.carrier.unsent, its.drained]).toEqual([["a", "b"], 0, 1]);
});

test("what was not asked for waits, and counts as unsent", async () => {
  const its = rig();
  send(its, "abc", "de");
  await settle();
  expect([its.carrier.unsent, its.drained]).toEqual([5, 0]);
  const first = its.ask(0);
  await settle();
  expect([first.answer, its.carrier.unsent, its.drained]).toEqual([["abc", "de"], 0, 1]);
});

test("requests are answered in the order of their numbers, whichever came first", async () => {
  const its = rig();
  const [third, first] = [its.ask(2), its.ask(0)];
  send(its, "a");
  await settle();
  send(its, "b");
  await settle();
  expect([first.answer, third.answer, its.carrier.unsent]).toEqual([["a"], undefined, 1]);
  const second = its.ask(1);
  await settle();
  expect([second.answer, third.answer]).toEqual([["b"], undefined]);
});

test("a request is held no longer than the line lets it, and then answered with nothing", async () => {
  const its = rig();
  const [first, second] = [its.ask(0), its.ask(1)];
  its.clock.advance(HOLD - 1);
  await settle();
  expect(first.answer).toBeUndefined();
  its.clock.advance(1);
  await settle();
  expect([first.answer, second.answer]).toEqual([[], []]);
  expect(its.drained).toBe(0);
});

test("a batch whose answer got lost is given again, until the agent shows that it has it", async () => {
  const its = rig();
  its.ask(0);
  send(its, "a");
  await settle();
  const again = its.ask(0);
  await settle();
  expect(again.answer).toEqual(["a"]);
  // asking for this one says that number 0 has arrived
  its.ask(WINDOW);
  const late = its.ask(0);
  await settle();
  expect(late.answer).toBe("again");
  expect(its.closed).toEqual([]);
});

test("a request that comes twice is answered once: the newer one", async () => {
  const its = rig();
  const [older, newer] = [its.ask(0), its.ask(0)];
  await settle();
  expect([older.answer, newer.answer]).toEqual(["again", undefined]);
  send(its, "a");
  await settle();
  expect(newer.answer).toEqual(["a"]);
});

test("a request whose connection broke is not answered: what is sent waits for the next", async () => {
  const its = rig();
  const connection = new AbortController();
  its.ask(0, connection.signal);
  connection.abort();
  send(its, "a");
  await settle();
  expect(its.carrier.unsent).toBe(1);
  const again = its.ask(0);
  await settle();
  expect(again.answer).toEqual(["a"]);
});

test("an agent that asks too far ahead has lost the order: the carrier ends", async () => {
  const its = rig();
  const [good, bad] = [its.ask(WINDOW - 1), its.ask(WINDOW)];
  await settle();
  expect([good.answer, bad.answer, its.closed]).toEqual([
    "gone",
    "gone",
    ["the agent asks for messages out of order"],
  ]);
});

test("batches from the agent are heard in order, each once", () => {
  const its = rig();
  receive(its, 1, ["b", "c"]);
  expect(its.heard).toEqual([]);
  receive(its, 0, ["a"]);
  receive(its, 1, ["b", "c"]);
  receive(its, 2, ["d"]);
  expect(its.heard).toEqual(["a", "b", "c", "d"]);
  expect([its.carrier.expects(WINDOW + 2), its.carrier.expects(WINDOW + 3)]).toEqual([true, false]);
});

test("the agent's last batch closes it, in its turn", async () => {
  const its = rig();
  const asked = its.ask(0);
  receive(its, 1, ["b"], true);
  expect(its.closed).toEqual([]);
  receive(its, 0, ["a"]);
  await settle();
  expect([its.heard, its.closed, asked.answer]).toEqual([["a", "b"], ["closed by the agent"], "gone"]);
  await its.carrier.over;
});

test("closing lets out what was sent before, and then tells the agent", async () => {
  const its = rig();
  const [first, second] = [its.ask(0), its.ask(1)];
  send(its, "last words");
  its.carrier.close("E_KEY_REVOKED");
  send(its, "too late");
  await settle();
  expect([first.answer, second.answer]).toEqual([["last words"], "gone"]);
  // the answer got lost: it can still be had for a while
  const again = its.ask(0);
  await settle();
  expect(again.answer).toEqual(["last words"]);
  receive(its, 0, ["ignored"]);
  expect(its.heard).toEqual([]);
  its.clock.advance(LINGER);
  await its.carrier.over;
  expect([its.closed, its.clock.pending]).toEqual([["E_KEY_REVOKED"], 0]);
});

test("an agent that does not fetch the last words is not waited for", async () => {
  const its = rig();
  send(its, "last words");
  its.carrier.close("E_KEY_REVOKED");
  its.clock.advance(LINGER - 1);
  await settle();
  expect(its.closed).toEqual([]);
  its.clock.advance(1);
  await its.carrier.over;
  expect([its.closed, its.carrier.unsent]).toEqual([["E_KEY_REVOKED"], 0]);
});

test("an agent that asks for nothing any more is gone", async () => {
  const its = rig();
  its.clock.advance(IDLE - 1);
  const asked = its.ask(0);
  its.clock.advance(IDLE);
  await settle();
  expect(its.closed).toEqual([]);
  send(its, "a");
  await settle();
  expect(asked.answer).toEqual(["a"]);
  its.clock.advance(IDLE - 1);
  expect(its.closed).toEqual([]);
  its.clock.advance(1);
  expect(its.closed).toEqual([`the agent asked for nothing for ${IDLE / 1000} s`]);
  expect(its.clock.pending).toBe(0);
});

test("an agent whose connections broke is gone unless it asks again", async () => {
  const its = rig();
  const connection = new AbortController();
  its.ask(0, connection.signal);
  its.ask(1, connection.signal);
  connection.abort();
  its.clock.advance(IDLE);
  expect(its.closed).toHaveLength(1);
});

test("more than may wait ends it, and lets go of what waits", () => {
  const its = rig();
  const chunk = Buffer.alloc(64 << 10);
  for (let bytes = 0; bytes < MOST_WAITING; bytes += chunk.length) its.carrier.send(chunk);
  expect([its.carrier.unsent, its.closed]).toEqual([MOST_WAITING, []]);
  send(its, "one more");
  expect([its.carrier.unsent, its.closed]).toEqual([0, ["more waits than the agent fetches"]]);
  send(its, "and more");
  expect(its.carrier.unsent).toBe(0);
});

test("what follows from a message may close it: the rest of the batch is not heard", async () => {
  const clock = new FakeClock();
  const carrier = new HttpsCarrier("192.0.2.1", clock);
  const heard: string[] = [];
  carrier.attach({
    message(bytes) {
      heard.push(String(bytes));
      carrier.close("enough");
    },
    drain() {},
    close() {},
  });
  carrier.receive(0, { messages: [Buffer.from("a"), Buffer.from("b")], last: false });
  expect(heard).toEqual(["a"]);
});
