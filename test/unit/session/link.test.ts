import { expect, test } from "vitest";
import { MAX_MESSAGE } from "../../../common/carrier/carrier.ts";
import { memoryPair } from "../../../common/carrier/memory.ts";
import { FarsiteError } from "../../../common/errors.ts";
import { Link } from "../../../common/session/link.ts";
import { MAX_RECORD } from "../../../common/session/record.ts";
import { linkOf, pair, settle, type Wire, wire } from "./rig.ts";

interface Seen {
  records: string[];
  closes: FarsiteError[];
  drains: number;
}

function watch(link: Link): Seen {
  const seen: Seen = { records: [], closes: [], drains: 0 };
  link.attach({
    record: (record) => void seen.records.push(`${record}`),
    drain: () => void seen.drains++,
    close: (reason) => void seen.closes.push(reason),
  });
  return seen;
}

const codes = (seen: Seen) => seen.closes.map((reason) => reason.code);

function watched(): { over: Wire; agent: Seen; hub: Seen } {
  const over = wire();
  return { over, agent: watch(over.agentLink), hub: watch(over.hubLink) };
}

test("records cross in order, and a drain is passed on", async () => {
  const { over, agent, hub } = watched();
  for (const text of ["a", "b", "c"]) over.agentLink.send(Buffer.from(text));
  expect(over.agentLink.unsent).toBe(3 * 17);
  await settle();
  expect([hub.records, agent.drains, over.agentLink.unsent]).toEqual([["a", "b", "c"], 1, 0]);
});

test("the largest record fits into a message", async () => {
  const { over, hub } = watched();
  over.agentLink.send(Buffer.alloc(MAX_RECORD, "x"));
  await settle();
  expect(hub.records[0]).toHaveLength(MAX_RECORD);
});

test("a message over the limit closes the carrier", async () => {
  const { over, hub } = watched();
  over.hubLink.onMessage(Buffer.alloc(MAX_MESSAGE + 1));
  expect(codes(hub)).toEqual(["E_PROTOCOL"]);
});

test("an empty record closes the carrier", async () => {
  const { over, hub } = watched();
  over.agentLink.send(Buffer.alloc(0));
  await settle();
  expect(codes(hub)).toEqual(["E_PROTOCOL"]);
});

test("a message that does not decrypt closes the carrier, both sides say why, and nothing of it is delivered", async () => {
  const { over, agent, hub } = watched();
  over.agent.tamper = (message) => Buffer.concat([message, Buffer.of(1)]);
  over.agentLink.send(Buffer.from("a"));
  over.agentLink.send(Buffer.from("b"));
  await settle();
  expect([hub.records, codes(hub)]).toEqual([[], ["E_CARRIER_TAMPERED"]]);
  expect(codes(agent)).toEqual(["E_CARRIER_TAMPERED"]);
});

test("a cipher that encrypts no more closes the carrier and says why", async () => {
  const [near] = memoryPair();
  const usedUp = new FarsiteError("E_LIMIT", "2^32 messages were sent");
  const link = new Link(near, {
    encrypt() {
      throw usedUp;
    },
    decrypt: (message) => message,
  });
  const seen = watch(link);
  link.send(Buffer.from("x"));
  await settle();
  expect(seen.closes).toEqual([usedUp]);
  expect(near.closed).toBe(true);
});

test("records that come before anyone is attached are kept, but only a few", async () => {
  const over = wire();
  for (let i = 0; i < 4; i++) over.agentLink.send(Buffer.from(`${i}`));
  await settle();
  expect(watch(over.hubLink).records).toEqual(["0", "1", "2", "3"]);

  const flooded = wire();
  for (let i = 0; i < 5; i++) flooded.agentLink.send(Buffer.from(`${i}`));
  await settle();
  expect(flooded.hubLink.closed).toBe(true);
});

test("whoever attaches to a link that has closed hears what came before, then of the close", async () => {
  const over = wire();
  over.agentLink.send(Buffer.from("last words"));
  await settle();
  over.hub.cut("gone");
  await settle();
  const seen = watch(over.hubLink);
  expect(seen.records).toEqual(["last words"]);
  expect(seen.closes.map((reason) => [reason.code, reason.message])).toEqual([["E_CARRIER_LOST", "gone"]]);
});

test("records that wait while the link is handed on go to its new owner, not to the old one", async () => {
  const over = wire();
  for (const text of ["ATTACH", "a", "b"]) over.agentLink.send(Buffer.from(text));
  await settle();
  over.hub.cut("gone");
  await settle();
  const opening: string[] = [];
  let session: Seen | undefined;
  over.hubLink.attach({
    record(record) {
      opening.push(`${record}`);
      session = watch(over.hubLink);
    },
    drain() {},
    close: (reason) => void opening.push(reason.code),
  });
  expect(opening).toEqual(["ATTACH"]);
  expect(session?.records).toEqual(["a", "b"]);
  expect(session?.closes.map((reason) => reason.code)).toEqual(["E_CARRIER_LOST"]);
});

test("a link given up by whoever takes an early record delivers no more", async () => {
  const over = wire();
  for (const text of ["a", "b"]) over.agentLink.send(Buffer.from(text));
  await settle();
  const seen: string[] = [];
  over.hubLink.attach({
    record(record) {
      seen.push(`${record}`);
      over.hubLink.fail(new FarsiteError("E_LIMIT", "enough"));
    },
    drain() {},
    close: (reason) => void seen.push(reason.code),
  });
  expect(seen).toEqual(["a", "E_LIMIT"]);
});

test("a close is told once, whoever closed, and nothing is delivered or sent after it", async () => {
  const { over, agent, hub } = watched();
  over.agentLink.send(Buffer.from("before"));
  over.agentLink.fail(new FarsiteError("E_LIMIT", "enough"));
  over.agentLink.fail(new FarsiteError("E_LIMIT", "again"));
  over.agentLink.send(Buffer.from("after"));
  over.hubLink.send(Buffer.from("too late"));
  await settle();
  over.agent.cut("cut");
  over.agentLink.onClose("closed");
  over.agentLink.onDrain();
  await settle();
  expect([hub.records, agent.records, agent.drains]).toEqual([["before"], [], 0]);
  expect(agent.closes.map((reason) => reason.message)).toEqual(["enough"]);
  expect(hub.closes.map((reason) => reason.message)).toEqual(["E_LIMIT"]);
});

test("a carrier closed for a bad message does not end the session it served", async () => {
  const { agent, hub } = pair();
  const [near, far] = memoryPair();
  agent.session.adopt(linkOf(near), 0, 0);
  hub.session.adopt(linkOf(far), 0, 0);
  near.tamper = () => Buffer.alloc(30, 1);
  agent.say("a");
  await settle();
  expect([hub.ends, hub.session.link]).toEqual([[], undefined]);
  expect(hub.carriers.at(-1)).toMatch(/^E_CARRIER_TAMPERED/);
});
