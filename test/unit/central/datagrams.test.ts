import { expect, test } from "vitest";
import { datagramHeader } from "../../../common/datagram.ts";
import { settle, type Tap } from "../mux/rig.ts";
import { rig } from "./rig.ts";

const SYSLOG = { target: "udp:127.0.0.1:514", sites: ["*"] };

/** A rig whose agents listen for syslog. */
function datagrams(line: object = {}) {
  const its = rig({ syslog: { ...SYSLOG, ...line } });
  its.listens.syslog = "udp";
  const send = (stream: Tap, ...texts: string[]) => {
    for (const text of texts) {
      stream.stream.write(datagramHeader(Buffer.byteLength(text)));
      stream.stream.write(Buffer.from(text));
    }
  };
  return { ...its, send };
}

test("each is sent to the target, in order, from the site's own address", async () => {
  const { open, send, senders, state } = datagrams();
  const stream = open("syslog");
  send(stream, "one", "", "three");
  await settle();
  // until the sender has its socket they wait
  expect(senders.map((each) => [each.address, each.source, each.sent])).toEqual([
    [{ kind: "udp", host: "127.0.0.1", port: 514 }, "127.64.0.1", []],
  ]);
  senders[0]?.events.ready();
  send(stream, "four");
  await settle();
  expect(senders[0]?.sent).toEqual(["one", "", "three", "four"]);
  expect(state("syslog")?.datagrams).toEqual({ received: 4, sent: 4, dropped: 0, lost: 0 });
  expect(state("syslog")).toMatchObject({ open: 1, opened: 1 });
});

test("more than allowed in a second are dropped and counted, and nothing is held back", async () => {
  const { open, send, senders, state, clock } = datagrams({ datagrams_per_second: 10 });
  const stream = open("syslog");
  await settle();
  senders[0]?.events.ready();
  send(stream, ...Array.from({ length: 25 }, (_, n) => `${n}`));
  await settle();
  expect(senders[0]?.sent).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`));
  expect(state("syslog")?.datagrams).toEqual({ received: 25, sent: 10, dropped: 15, lost: 0 });
  clock.advance(1_000);
  send(stream, "later");
  await settle();
  expect(senders[0]?.sent.at(-1)).toBe("later");
});

test("a megabyte of them passes: what is sent on gives the stream its credit back", async () => {
  const { open, send, senders } = datagrams();
  const stream = open("syslog");
  await settle();
  senders[0]?.events.ready();
  for (let i = 0; i < 32; i++) send(stream, "x".repeat(32 << 10));
  for (let i = 0; i < 100 && (senders[0]?.sent.length ?? 0) < 32; i++) await settle();
  expect(senders[0]?.sent).toHaveLength(32);
});

test("what the target's host does not take is counted, said once a minute, and the stream goes on", async () => {
  const { open, send, senders, state, log } = datagrams();
  const stream = open("syslog");
  await settle();
  senders[0]?.events.ready();
  for (let i = 0; i < 3; i++) senders[0]?.events.lost("ECONNREFUSED");
  send(stream, "more");
  await settle();
  expect(senders[0]?.sent).toEqual(["more"]);
  expect(state("syslog")?.datagrams).toMatchObject({ lost: 3, sent: 1 });
  expect(log.lines.map(({ message, fields }) => [message, fields.line, fields.reason])).toEqual([
    ["line failed", "syslog", "ECONNREFUSED"],
  ]);
});

test("a length that no datagram has ends the stream, and only that", async () => {
  const { open, send, senders, state, log } = datagrams();
  const stream = open("syslog");
  await settle();
  senders[0]?.events.ready();
  send(stream, "good");
  stream.stream.write(Buffer.of(0xff, 0xff, 1, 2, 3));
  await settle();
  expect(stream.resetBy).toBe("internal");
  expect(senders[0]).toMatchObject({ sent: ["good"], closed: true });
  expect(log.lines.at(-1)?.fields.reason).toContain("65535 bytes");
  expect(state("syslog")).toMatchObject({ open: 0 });
  const next = open("syslog");
  send(next, "again");
  await settle();
  senders[1]?.events.ready();
  expect(senders[1]?.sent).toEqual(["again"]);
});

test("a target whose socket cannot be had resets the stream as unreachable", async () => {
  const { open, senders, state } = datagrams();
  const stream = open("syslog");
  await settle();
  senders[0]?.events.failed("ENOTFOUND");
  await settle();
  expect([stream.resetBy, senders[0]?.closed, state("syslog")?.open]).toEqual(["targetUnreachable", true, 0]);
});

test("the agent's end, or reset, closes the sender", async () => {
  const { open, senders, state } = datagrams();
  const ended = open("syslog");
  await settle();
  ended.stream.end();
  await settle();
  expect([senders[0]?.closed, ended.ended, ended.resetBy]).toEqual([true, true, undefined]);
  const cancelled = open("syslog");
  await settle();
  cancelled.stream.reset("cancelled");
  await settle();
  expect([senders[1]?.closed, state("syslog")?.open]).toEqual([true, 0]);
});

test("a site has one stream for each line of datagrams", async () => {
  const { open } = datagrams();
  const streams = [open("syslog"), open("syslog"), open("syslog", "globex")];
  await settle();
  expect(streams.map((each) => each.resetBy)).toEqual([undefined, "limit", undefined]);
});

test("an agent that sends crumbs before the sender is ready is cut off", async () => {
  const { open, senders } = datagrams();
  const stream = open("syslog");
  await settle();
  for (let i = 0; i < 1_100 && stream.resetBy === undefined; i++) {
    stream.stream.write(Buffer.of(0));
    await settle();
  }
  expect([stream.resetBy, senders[0]?.closed]).toEqual(["limit", true]);
});
